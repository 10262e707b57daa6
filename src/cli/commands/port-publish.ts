import type { Command } from 'commander';
import type { PortMapping, ShownPort } from '../../core/port.ts';
import { clientCommand } from '../command.ts';
import { collectAll, type GlobalOptions } from '../options.ts';
import { leadsNowhere, portLines, portSpelling, portsParser, portText } from '../port-mapping.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

export function portPublishCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'publish',
    details:
      'Prints where the new ports can be reached; ports already published are unchanged. Without a host port, netloom picks a free one.',
    examples: ['netloom port publish web 8080:80', 'netloom port publish web 127.0.0.1::443 5353:53/tcp,udp'],
  });
  addPortArguments(command).action(async (id: string, ports: PortMapping[], _options, command: Command) => {
    const options: GlobalOptions = command.optsWithGlobals();
    await withClient(options, async (client) => {
      const portsOf = async () => (await client.container.inspect({ id })).container.ports;
      const before = await portsOf();
      const reply = await client.container.publish({ id, ports });
      if (options.json) return terminal.print(json(reply));
      // while it is down, only its wish has them
      const after = reply.netns ? reply.ports : await portsOf();
      const published = without(after, before);
      const lines = portLines(published);
      if (lines.length > 0) terminal.print(lines.join('\n'));
      for (const port of published.filter(leadsNowhere)) terminal.warn(portText(port));
    });
  });
}

export function portUnpublishCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'unpublish',
    details: 'Give the port as it was published. Without a host port: the one that netloom picked.',
    examples: ['netloom port unpublish web 8080:80', 'netloom port unpublish web 443'],
  });
  addPortArguments(command).action(async (id: string, ports: PortMapping[], _options, command: Command) => {
    const options: GlobalOptions = command.optsWithGlobals();
    const reply = await withClient(options, (client) => client.container.unpublish({ id, ports }));
    if (options.json) terminal.print(json(reply));
  });
}

function addPortArguments(command: Command): Command {
  return command
    .argument('<container>', 'container id or name')
    .argument('<port...>', portSpelling, collectAll(portsParser('port')));
}

function without(ports: ShownPort[], before: ShownPort[]): ShownPort[] {
  const known = new Set(before.map((port) => JSON.stringify(port)));
  return ports.filter((port) => !known.has(JSON.stringify(port)));
}
