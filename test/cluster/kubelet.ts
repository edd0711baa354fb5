import { createServer } from 'node:https';
import { certified } from '../agent/certificate.js';
import type { RealCluster } from './api-server.js';

/**
 * A node as far as an API server needs one to let somebody into a pod: it takes the connection, as a kubelet that is asked for `exec` does, and has nothing to run. What
 * the API server says of the request in its audit log is the same.
 */
export async function joinNode({ call }: RealCluster, name: string): Promise<{ stop: () => Promise<void> }> {
  const { key, cert } = certified();
  const server = createServer({ key, cert }).listen(0, '127.0.0.1');
  server.on('upgrade', (_request, socket) => {
    // Nobody reads from it any more, so that it would never learn that the other side has ended.
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n', () =>
      socket.destroy(),
    );
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await call('POST', '/api/v1/nodes', {
    metadata: { name },
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    },
  });
  return {
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
