/** Token of the program's logger (pino): ids and fixed sentences only; no secret, token, name or PHI. */
export const LOGGER = Symbol('logger');
