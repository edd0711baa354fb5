import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Caller } from './app.js';

/** A post of which so many bytes are sent, on a connection of its own. `head`: more lines of its head. */
export async function beginUpload(
  url: string,
  caller: Caller,
  path: string,
  { bytes, sent, head = [] }: { bytes: Uint8Array; sent: number; head?: readonly string[] },
): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  const lines = [
    `POST ${path} HTTP/1.1`,
    'Host: x',
    `Authorization: Bearer ${caller.token}`,
    'Content-Type: application/json',
    `Content-Length: ${bytes.length}`,
    ...head,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (!socket.write(bytes.subarray(0, sent))) await once(socket, 'drain');
  return socket;
}
