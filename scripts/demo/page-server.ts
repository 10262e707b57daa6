import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';

/** Runs in container `web`: serves a page with the addresses of both ends. */

const own = networkInterfaces().eth0?.find(({ family }) => family === 'IPv4')?.address;

createServer((request, response) => {
  const visitor = request.socket.remoteAddress?.replace('::ffff:', '');
  response.end(`Hello ${visitor}, this is web at ${own}.\n`);
}).listen(80, () => console.log('listening'));
