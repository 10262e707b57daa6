import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import type { Ask, Endpoint } from './peer.ts';

/** The process behind a Peer: lives in some namespace, and carries out requests over IPC. Its name is its argument. */

const name = process.argv[2] as string;
const open = new Map<string, Socket>();

const greeting = (port: number, from: string | undefined): string =>
  `${name}:${port} sees ${from?.replace('::ffff:', '')}`;

function serve({ transport, address, port }: Endpoint): Promise<string> {
  return new Promise((resolve) => {
    const failed = ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'failed');
    if (transport === 'tcp') {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.write(greeting(socket.localPort as number, socket.remoteAddress));
        socket.pipe(socket);
      });
      server.on('error', failed).listen({ host: address, port }, () => resolve('ready'));
    } else {
      const server = createSocket(address.includes(':') ? 'udp6' : 'udp4');
      server.on('message', (_, from) =>
        server.send(greeting(server.address().port, from.address), from.port, from.address),
      );
      server.on('error', failed).bind(port, address, () => resolve('ready'));
    }
  });
}

/** The first text of the other side; or the errno; or `silence`. */
function reach({ transport, address, port }: Endpoint, withinMs: number, keep: string | null): Promise<string> {
  return new Promise((resolve) => {
    const ask = transport === 'tcp' ? reachTcp : reachUdp;
    const settle = (text: string) => {
      clearTimeout(timer);
      give();
      resolve(text);
    };
    const timer = setTimeout(() => settle('silence'), withinMs);
    const give = ask(address, port, settle, keep);
  });
}

function reachTcp(address: string, port: number, settle: (text: string) => void, keep: string | null): () => void {
  const socket = connect({ host: address, port });
  socket.on('error', ({ code }: NodeJS.ErrnoException) => settle(code ?? 'failed'));
  socket.once('data', (data) => settle(data.toString()));
  socket.once('end', () => settle('hung up'));
  if (keep !== null) open.set(keep, socket);
  return () => (keep === null ? void socket.destroy() : undefined);
}

const resendEveryMs = 100;

function reachUdp(address: string, port: number, settle: (text: string) => void): () => void {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const send = () => socket.send('?', () => {});
  let again: NodeJS.Timeout;
  socket.on('error', ({ code }: NodeJS.ErrnoException) => settle(code ?? 'failed'));
  socket.on('message', (text) => settle(text.toString()));
  // connected, so that the kernel reports a refusal, and accepts an answer from that very address only
  socket.connect(port, address);
  socket.on('connect', () => {
    send();
    // a datagram without an answer within a moment may have been lost: UDP is free to
    again = setInterval(send, resendEveryMs);
  });
  return () => {
    clearInterval(again);
    socket.close();
  };
}

/** Sends a text in an existing conversation; returns what comes back. */
function exchange(conversation: string, text: string, withinMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = open.get(conversation);
    const timer = setTimeout(() => resolve('silence'), withinMs);
    socket?.once('data', (data) => {
      clearTimeout(timer);
      resolve(data.toString());
    });
    socket?.write(text);
  });
}

const flows = new Map<string, { socket: Datagrams; address: string; port: number }>();

function call(flow: string, address: string, port: number): Promise<string> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  // not connected: a refusal ends a flow for its sender, and this one continues
  socket.on('error', () => {});
  flows.set(flow, { socket, address, port });
  return new Promise((resolve) => socket.bind(0, () => resolve('ready')));
}

function probe(flow: string, withinMs: number): Promise<string> {
  const { socket, address, port } = flows.get(flow) as { socket: Datagrams; address: string; port: number };
  return new Promise((resolve) => {
    const settle = (text: string) => {
      clearTimeout(timer);
      socket.removeAllListeners('message');
      resolve(text.split(' ')[0] as string);
    };
    const timer = setTimeout(() => settle('silence'), withinMs);
    socket.once('message', (text) => settle(text.toString()));
    socket.send('?', port, address, () => {});
  });
}

interface Stream {
  sent: number;
  answered: number;
  stop(): void;
}
const streams = new Map<string, Stream>();
const lastAnswersMs = 1_000;

/** By the clock and not by the timer, which may be late: everything due is sent. */
function beginStream({ stream: name, address, port, perSecond, fresh }: Extract<Ask, { verb: 'stream' }>): string {
  const sockets = new Set<Datagrams>();
  const open = () => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    sockets.add(socket);
    // refusals arrive as errors: they are losses, for they have no answer
    socket.on('error', () => {});
    socket.on('message', () => {
      stream.answered += 1;
      if (fresh && sockets.delete(socket)) socket.close();
    });
    return socket;
  };
  const one = fresh ? null : open();
  const begun = performance.now();
  const sendDue = () => {
    const due = Math.floor(((performance.now() - begun) / 1000) * perSecond);
    for (; stream.sent < due; stream.sent++) (one ?? open()).send(`${stream.sent}`, port, address, () => {});
  };
  const timer = setInterval(sendDue, 1);
  const stream: Stream = { sent: 0, answered: 0, stop: () => clearInterval(timer) };
  streams.set(name, stream);
  return 'ready';
}

async function endStream(name: string): Promise<string> {
  const stream = streams.get(name) as Stream;
  stream.stop();
  const deadline = performance.now() + lastAnswersMs;
  while (stream.answered < stream.sent && performance.now() < deadline)
    await new Promise((next) => setTimeout(next, 5));
  return JSON.stringify({ sent: stream.sent, lost: stream.sent - stream.answered });
}

async function perform(ask: Ask): Promise<string> {
  switch (ask.verb) {
    case 'call':
      return call(ask.flow, ask.address, ask.port);
    case 'probe':
      return probe(ask.flow, ask.withinMs);
    case 'stream':
      return beginStream(ask);
    case 'endStream':
      return endStream(ask.stream);
    case 'serve':
      return serve(ask);
    case 'reach':
      return reach(ask, ask.withinMs, ask.keep);
    case 'exchange':
      return exchange(ask.conversation, ask.text, ask.withinMs);
  }
}

process.on('message', async (ask: Ask) => process.send?.({ id: ask.id, text: await perform(ask) }));
process.on('disconnect', () => process.exit());
process.send?.({ id: 0, text: 'ready' });
