/** What is wrong with a package, said for the person who checks it. Anything else that is thrown is a failure of this machine, and says nothing of the package. */
export class Fault extends Error {}
