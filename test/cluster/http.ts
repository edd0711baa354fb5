import { request } from 'node:https';

export interface Sent {
  method?: 'GET' | 'POST' | 'DELETE';
  /** PEM of the authority that its certificate is checked by. */
  authority: string;
  token?: string | undefined;
  /** Sent as JSON. */
  body?: object | undefined;
}

export interface Answered {
  status: number;
  text: string;
}

/** One request over TLS, whatever its answer. */
export function send(url: string, { method = 'GET', authority, token, body }: Sent): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const asking = request(url, { method, headers, ca: authority }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
    );
  });
  asking.on('error', reject);
  asking.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}

/** The same where only an answer of 2xx will do: its JSON. */
export async function call<T>(url: string, sent: Sent): Promise<T> {
  const { status, text } = await send(url, sent);
  if (status < 200 || status > 299) throw new Error(`${sent.method ?? 'GET'} ${url}: ${status} ${text}`);
  return (text === '' ? null : JSON.parse(text)) as T;
}
