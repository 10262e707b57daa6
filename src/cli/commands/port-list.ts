import type { Command } from 'commander';
import { fault, NetloomError } from '../../core/fault.ts';
import type { ShownPort } from '../../core/port.ts';
import { clientCommand } from '../command.ts';
import { badInput, type GlobalOptions } from '../options.ts';
import { placesOf, portLines, portsOf, portText } from '../port-mapping.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

export function portListCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'list <container> [port]',
    examples: ['netloom port list web', 'netloom port list web 53/udp'],
  });
  command.action(async (id: string, port: string | undefined, _options, command: Command) => {
    const options: GlobalOptions = command.optsWithGlobals();
    const wanted = port === undefined ? null : parsePort(port);
    const { container } = await withClient(options, (client) => client.container.inspect({ id }));
    const lines = wanted ? placesFor(id, container.ports, wanted) : portLines(container.ports);
    if (options.json) terminal.print(json(container.ports));
    else if (lines.length > 0) terminal.print(lines.join('\n'));
  });
}

interface Wanted {
  port: number;
  protocol: string;
}

function parsePort(text: string): Wanted {
  const [, port, protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(text) ?? [];
  if (port === undefined) throw badInput(`port ${text}: expected a port such as 80 or 53/udp`, 'port.invalid');
  return { port: Number(port), protocol };
}

function placesFor(id: string, ports: readonly ShownPort[], { port, protocol }: Wanted): string[] {
  const published = portsOf(ports, port, protocol);
  if (published.length === 0)
    throw new NetloomError(fault('port.unknown', `container ${id} does not publish ${port}/${protocol}`));
  const places = placesOf(published, port, protocol);
  if (places.length === 0)
    throw new NetloomError(
      fault(
        'port.unknown',
        `container ${id} publishes ${published.map(portText).join(', ')}: netloom events --since all shows why`,
      ),
    );
  return places;
}
