import { type Command, Option } from 'commander';
import { clientCommand } from '../command.ts';
import {
  addContainerOptions,
  type ContainerOptions,
  cliOwner,
  containerRequest,
  idOption,
} from '../container-options.ts';
import { EndWith } from '../failure.ts';
import { addedHost, searchDomain } from '../name-options.ts';
import { defaultArgument } from '../network-argument.ts';
import { collect } from '../options.ts';
import type { RunOptions } from '../run-container.ts';
import type { Terminal } from '../terminal.ts';

export function runCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'run',
    details:
      'The command keeps our files, users and environment; its network is new, and so are its /etc/resolv.conf and /etc/hosts. Without ' +
      '--network it joins the default network, as with podman; --network none is loopback only. Signals are handed on to it, and its ' +
      'exit code becomes ours; 125 is a failure of netloom. The daemon may be restarted meanwhile.',
    examples: [
      'netloom run -- ip address',
      'netloom run --network web -p 8080:80 -- python3 -m http.server 80',
      'netloom run --network web --name shell -- bash',
      'netloom run -d --network web -- nginx -g "daemon off;"',
      'netloom run --network web --ip 10.89.0.50 --mac 02:00:00:00:00:50 -- ip address',
      'netloom run --network web --network db:interface_name=db0 -- ip route',
      'netloom run --network container:web -- ss -ltn',
    ],
  });
  command
    .argument('<command>', 'what to run; put -- before it if it has options')
    .argument('[args...]')
    .passThroughOptions()
    .option('-d, --detach', 'print the id and return when the command has begun; its output is discarded')
    .option('--rm', 'the default: nothing is kept of a command that has ended')
    .addOption(idOption())
    .action(async (file: string, args: string[], _options, command: Command) => {
      const options: ContainerOptions & RunOptions = command.optsWithGlobals();
      const network = options.network ?? (options.mode === undefined ? [defaultArgument()] : undefined);
      const request = { ...containerRequest({ ...options, ...(network && { network }) }), owner: cliOwner };
      const { runContainer } = await import('../run-container.ts');
      const exitCode = await runContainer(terminal, options, request, [file, ...args]);
      if (exitCode !== 0) throw new EndWith(exitCode);
    });
  addContainerOptions(command);
  const nameOptions = [
    new Option('--dns-search <domain>', "looked up below this domain too, instead of the host's; . for none").argParser(
      collect(searchDomain),
    ),
    new Option('--add-host <name:address>', 'a line of /etc/hosts; host-gateway: the address of the host').argParser(
      collect(addedHost),
    ),
  ];
  for (const option of nameOptions) command.addOption(option.helpGroup('Network options:'));
}
