import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

/**
 * Makes this process the only agent of a spool: two would clear away what the other writes. A socket in the folder that this process listens at, because the kernel ends it
 * with the process, however that ends; a file with a number in it would outlive a kill, and number 1 is another process in each container. False: another agent is alive.
 * Throws where the file system has no sockets, or none of so long a name.
 */
export async function lock(directory: string): Promise<boolean> {
  const path = join(directory, 'lock');
  if (await listen(path)) return true;
  if (await isAlive(path)) return false;
  // Left by one that was killed.
  await rm(path, { force: true });
  return listen(path);
}

async function listen(path: string): Promise<boolean> {
  const server = createServer((socket) => socket.destroy());
  // It is no reason to go on.
  server.listen(path).unref();
  try {
    await once(server, 'listening');
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
    throw error;
  }
}

async function isAlive(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
