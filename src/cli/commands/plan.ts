import type { Command } from 'commander';
import type { ResponseOf } from '../../client.ts';
import { clientCommand } from '../command.ts';
import {
  addContainerOptions,
  type ContainerOptions,
  containerRequest,
  hasOnlyId,
  idOption,
  onDefaultNetwork,
} from '../container-options.ts';
import { settingLines } from '../describe.ts';
import { type GlobalOptions, nameParser } from '../options.ts';
import { withClient } from '../session.ts';
import { hanging, json, paint, plain, type Terminal } from '../terminal.ts';

export function planCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'plan',
    details:
      'Takes the options of container setup: with only an id, shows what container create stored. A free port that would be picked is ' +
      'shown as 0.',
    examples: ['netloom plan --id web --network web -p 8080:80', 'netloom plan --id web --network web --json'],
  });
  command
    .argument('[id]', 'the same as --id', nameParser('id', 'id.invalid'))
    .addOption(idOption())
    .action(async (id: string | undefined, _options, command: Command) => {
      const options: ContainerOptions & GlobalOptions = command.optsWithGlobals();
      const asked = { ...options, id: id ?? options.id };
      const isKept = asked.id !== undefined && hasOnlyId(asked);
      const request = containerRequest(isKept ? asked : onDefaultNetwork(asked));
      const reply = await withClient(options, (client) => client.container.plan(request));
      terminal.print(options.json ? json(reply) : planText(terminal, reply));
    });
  addContainerOptions(command);
}

function planText(terminal: Terminal, preview: ResponseOf<'plan.container'>): string {
  const { id, networks, steps, teardown, settings } = preview;
  return [
    ...networks.flatMap((network) => [
      paint(terminal, 'bold', `Network ${plain(network.name)} is not up: it is built first`),
      ...numbered(terminal, network.steps),
      '',
    ]),
    paint(terminal, 'bold', `To set up ${plain(id)}`),
    ...numbered(terminal, steps),
    '',
    paint(terminal, 'bold', 'To take it down'),
    ...numbered(terminal, teardown),
    ...(settings.length > 0
      ? [
          '',
          paint(terminal, 'bold', 'Its interfaces have'),
          ...settingLines(settings).map((line) => `  ${hanging(terminal, plain(line), 2)}`),
        ]
      : []),
  ].join('\n');
}

function numbered(terminal: Terminal, lines: string[]): string[] {
  const width = String(lines.length).length;
  return lines.map(
    (line, index) => `  ${String(index + 1).padStart(width)}. ${hanging(terminal, plain(line), width + 4)}`,
  );
}
