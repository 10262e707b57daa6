import { createSocket } from 'node:dgram';
import { decode, encode } from 'dns-packet';
import { openUdpSocket } from '#native';

/**
 * Asks a name server for the IPv4 address of a name, so many times a second, until its standard input ends; then prints
 * the result on standard output: `{"asked":…,"answered":…,"wrong":…}`. Run within a namespace:
 * nsenter --net=<path> node dns-asker.js <server> <name> <address> <times per second>.
 */
const [server = '', name = '', address = '', rate = '2000'] = process.argv.slice(2);
// the asker itself must lose nothing
const socket = createSocket('udp4').bind({ fd: openUdpSocket('0.0.0.0', 0, 8 << 20) });
const tickMs = 5;
const waitMs = 1_000;
let asked = 0;
let wrong = 0;
const answered = new Set<number>();

socket.on('message', (packet) => {
  const { id = 0, answers = [] } = decode(packet);
  answered.add(id);
  if (!answers.some((answer) => answer.type === 'A' && answer.data === address)) wrong++;
});
socket.connect(53, server, () => {
  const startedMs = performance.now();
  const ask = setInterval(() => {
    const due = Math.floor(((performance.now() - startedMs) / 1000) * Number(rate));
    for (; asked < due && asked < 65_535; asked++)
      socket.send(encode({ type: 'query', id: asked, flags: 256, questions: [{ type: 'A', name }] }));
  }, tickMs);
  process.stdin.resume().on('end', () => {
    clearInterval(ask);
    setTimeout(() => {
      process.stdout.write(JSON.stringify({ asked, answered: answered.size, wrong }));
      socket.close();
    }, waitMs);
  });
});
