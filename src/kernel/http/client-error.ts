import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { newId } from '../ids.js';
import { problemDocument, Refusal } from './problem.js';

/**
 * Answers what is no HTTP request before any route sees it, in our words: Node's own answer is bare. For the server's `clientError` event.
 */
export function answerClientError(error: Error & { code?: string }, socket: Duplex): void {
  // The peer is gone, or something has been answered on this connection already.
  if (error.code === 'ECONNRESET' || !socket.writable || ('bytesWritten' in socket && socket.bytesWritten !== 0)) {
    socket.destroy();
    return;
  }
  const refusal =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new Refusal('head-too-large', 'The request line and headers together have at most 16 KiB.')
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new Refusal('request-timeout', 'The request did not arrive in time. Send it again.')
        : new Refusal('invalid-request', 'This is no HTTP request.');
  const body = JSON.stringify(problemDocument(refusal, newId()));
  socket.end(
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
