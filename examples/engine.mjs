// An engine in 70 lines: runs a command in a network namespace of its own, and ends with the exit code of the command.
//   node examples/engine.mjs <network> <command> [argument …]        as root
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'netloom/client';

const [network, ...command] = process.argv.slice(2);
if (command.length === 0) {
  console.error('usage: node examples/engine.mjs <network> <command> [argument …]');
  process.exit(2);
}
const id = `example-${randomUUID()}`;
const client = await connect({ name: 'example engine' });

/** Repeats a command until a reply arrives. Its message ID makes that safe: nothing is done twice. */
async function send(name, request) {
  const options = { msgId: randomUUID(), timeoutMs: 5_000 };
  for (const deadline = Date.now() + 60_000; ; await delay(250)) {
    try {
      return await client.request(name, request, options);
    } catch (error) {
      if (!mayPass.includes(error.code) || Date.now() > deadline) throw error;
    }
  }
}
const mayPass = ['bus.unreachable', 'command.timeout', 'node.recovering', 'node.draining', 'worker.lost'];

/** The resolv.conf of the container; null if its networks have no name servers. */
function resolvConf(status) {
  const servers = Object.values(status).flatMap((block) => block.dns_server_ips);
  const domains = new Set(Object.values(status).flatMap((block) => block.dns_search_domains));
  if (servers.length === 0) return null;
  return [`search ${[...domains].join(' ') || '.'}`, ...servers.map((server) => `nameserver ${server}`), ''].join('\n');
}

// Lets the command wait until netloom watches its process; ends if the engine dies before that. $0: the resolv.conf, or ''.
const hold = 'if [ "$0" ]; then mount --bind "$0" /etc/resolv.conf; fi && read go <&3 && exec "$@" 3<&-';
const resolvFile = `${tmpdir()}/${id}.resolv.conf`;
const stdio = ['inherit', 'inherit', 'inherit', 'pipe'];
try {
  const limits = { owner: 'example engine', startWithinMs: 60_000, removeOnExit: true };
  const { netns, status } = await send('container.setup', { id, networks: [{ network }], ...limits });
  const text = resolvConf(status);
  if (text) writeFileSync(resolvFile, text);
  const inside = ['unshare', '--mount', 'sh', '-c', hold, text ? resolvFile : '', ...command];
  const child = spawn('nsenter', [`--net=${netns.path}`, ...inside], { stdio });
  await once(child, 'spawn');
  const exited = once(child, 'exit');
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  await send('container.started', { id, exact: true, pid: child.pid, reportsExit: true });
  child.stdio[3].end('go\n');
  const [code, signal] = await exited;
  process.exitCode = code ?? 128 + constants.signals[signal];
  await send('container.exited', { id, exact: true, pid: child.pid, exitCode: process.exitCode }).catch(ifOver);
} finally {
  rmSync(resolvFile, { force: true });
  await send('container.remove', { id, exact: true }).catch(ifOver);
  await client.close();
}

/** netloom also saw the process end, and may already have removed the container. */
function ifOver(error) {
  if (!['container.unknown', 'container.state'].includes(error.code)) throw error;
}
