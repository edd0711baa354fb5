/** Runs the server. It lives outside the command line and is loaded only here. */
export async function serve(): Promise<void> {
  const main = (await import(new URL('../../main.js', import.meta.url).href)) as { serve(): Promise<void> };
  await main.serve();
}
