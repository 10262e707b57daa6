import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Starts a TCP and UDP server in a namespace that answers with the address of its caller. */
const server = `
  const [port, address] = process.argv.slice(1);
  const tcp = require('node:net').createServer((socket) => socket.end(socket.remoteAddress));
  const udp = require('node:dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4');
  udp.on('message', (_, from) => udp.send(from.address, from.port, from.address));
  udp.bind(Number(port), address, () => tcp.listen(Number(port), address, () => console.log('ready')));
`;
/** Clients write a line as soon as they have asked, and then the answer. */
const tcpClient = `
  const [port, address] = process.argv.slice(1);
  const socket = require('node:net').connect(Number(port), address).on('error', () => process.exit(1));
  process.stdout.write('asked\\n');
  socket.pipe(process.stdout);
`;
const udpClient = `
  const [port, address] = process.argv.slice(1);
  const socket = require('node:dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (text) => { process.stdout.write(text); socket.close(); });
  socket.send('?', Number(port), address, () => process.stdout.write('asked\\n'));
`;

const running = new Set<ChildProcess>();

function start(netns: string | null, code: string, port: number, address: string): ChildProcess {
  const node = [process.execPath, '-e', code, String(port), address];
  const command = netns === null ? node : ['nsenter', `--net=${netns}`, ...node];
  const child = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  child.on('exit', () => running.delete(child));
  return child;
}

export async function serve(netns: string | null, address: string, port: number): Promise<void> {
  const child = start(netns, server, port, address);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
}

/** Returns the address that the server sees; null when there is no answer in this time after the question. */
export async function reach(
  netns: string | null,
  address: string,
  port: number,
  { transport = 'tcp', withinMs = 3000 }: { transport?: 'tcp' | 'udp'; withinMs?: number } = {},
): Promise<string | null> {
  const child = start(netns, transport === 'tcp' ? tcpClient : udpClient, port, address);
  let timer: NodeJS.Timeout | undefined;
  let text = '';
  child.stdout?.on('data', (chunk) => {
    timer ??= setTimeout(() => child.kill(), withinMs);
    text += chunk;
  });
  await once(child, 'close');
  clearTimeout(timer);
  return text.replace(/^asked\n/, '') || null;
}

export function endPeers(): void {
  for (const child of running) child.kill();
}
