import type { Command } from 'commander';
import { bytesText } from '../../core/bytes.ts';
import { forwardingText } from '../../core/forwarding.ts';
import type { NodeInfo } from '../../core/view.ts';
import { clientCommand } from '../command.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { facts, json, type Terminal } from '../terminal.ts';

export function nodeInfoCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'info',
    examples: ['netloom node info', 'netloom node info --json'],
  }).action(async (_options, command: Command) => {
    const options: GlobalOptions = command.optsWithGlobals();
    const info = await withClient(options, (client) => client.info());
    terminal.print(options.json ? json(info) : nodeFacts(terminal, info));
  });
}

function nodeFacts(terminal: Terminal, info: NodeInfo): string {
  return facts(terminal, [
    ['Node', info.node],
    ['State', info.state],
    ['Version', `netloom ${info.version}, Node.js ${info.nodeVersion}, Linux ${info.kernel}`],
    ['Process', `${info.pid}, since ${info.startedAt}, ${info.workers} ${info.workers === 1 ? 'worker' : 'workers'}`],
    ['Containers', info.containers],
    ['Networks', info.networks],
    ['Events waiting', info.outbox],
    ['Address', info.hostIp ?? 'none: this host has no route to the outside'],
    ['Forwarding', info.forwarding.map(forwardingText).join('; ') || 'not needed: no network leads out'],
    ['Run directory', `${info.directories.run}, ${bytesText(info.storage.runFreeBytes)} free`],
    ['State directory', `${info.directories.state}, ${bytesText(info.storage.stateFreeBytes)} free`],
    ['Namespaces', info.directories.netns],
    ['Definitions', info.directories.networks],
    ['Settings', info.directories.sysctl],
    ['Boot', info.bootId],
  ]);
}
