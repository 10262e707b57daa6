// Started by connection.test.ts. From dist/, for Node 20 reads no TypeScript.
// Each client closes its connection in the moment in which the server has ended it, with something still to be sent.
import { createServer } from 'node:net';
import { connectBus } from '../../dist/src/bus/server/connection.js';

const info = { server_id: 'test', version: '2.9.10', max_payload: 1048576, proto: 1, headers: true };
const sockets = [];
const server = createServer((socket) => {
  sockets.push(socket);
  socket.on('error', () => {});
  socket.on('data', (data) => String(data).includes('PING') && socket.write('PONG\r\n'));
  socket.write(`INFO ${JSON.stringify(info)}\r\n`);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

for (const reconnect of [false, true]) {
  const url = `nats://127.0.0.1:${server.address().port}`;
  const connection = await connectBus({ url, name: 'test', reconnect });
  const { socket } = connection.protocol.transport;
  const end = socket.end.bind(socket);
  const closing = new Promise((resolve) => {
    socket.end = () => {
      end();
      connection.publish('subject', 'too late');
      queueMicrotask(() => resolve(connection.close()));
    };
  });
  sockets.at(-1).end();
  await closing;
}
server.close();
// an error that nobody heard would have ended this process by now
setImmediate(() => process.exit(0));
