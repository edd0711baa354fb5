import supertest from 'supertest';

/** The cookie of an answer, as a browser sends it back; empty when the answer sets none. */
export function cookieOf(headers: Record<string, unknown>): string {
  const [cookie] = (headers['set-cookie'] ?? []) as string[];
  return cookie?.split(';')[0] ?? '';
}

/** Goes through the provider's pages as a browser does, and comes back with the address of the callback. */
export async function signInAtProvider(location: string, subject: string): Promise<URL> {
  const jar = new Map<string, string>();
  let next = new URL(location);
  for (let hop = 0; hop < 10; hop += 1) {
    if (next.pathname === '/auth/callback') return next;
    const isForm = next.pathname.startsWith('/interaction/');
    const response: Response = await fetch(next, {
      method: isForm ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(isForm ? { body: new URLSearchParams({ user: subject }) } : {}),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      jar.set(name!, value!);
    }
    next = new URL(response.headers.get('location')!, next);
  }
  throw new Error('the provider did not come back');
}

/** A whole login of a browser at the server: what began it, the provider's answer, and the session's cookie. */
export async function signIn(server: string, subject: string, returnTo = '/posture') {
  const begun = await supertest(server)
    .get(`/login?returnTo=${encodeURIComponent(returnTo)}`)
    .expect(302);
  const before = cookieOf(begun.headers);
  const callback = await signInAtProvider(begun.headers['location']!, subject);
  const ended = await supertest(server)
    .get(callback.pathname + callback.search)
    .set('Cookie', before);
  return { begun, before, callback, ended, cookie: cookieOf(ended.headers) };
}
