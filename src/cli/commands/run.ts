import { type Command, Option } from 'commander';
import { clientCommand } from '../command.ts';
import {
  addContainerOptions,
  type ContainerOptions,
  cliOwner,
  containerRequest,
  idOption,
  onDefaultNetwork,
} from '../container-options.ts';
import { EndWith } from '../failure.ts';
import { addedHost, searchDomain } from '../name-options.ts';
import { collect } from '../options.ts';
import type { RunOptions } from '../run-container.ts';
import type { Terminal } from '../terminal.ts';

export function runCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'run',
    details:
      'The command keeps the files, users and environment of the caller; its network, /etc/resolv.conf and /etc/hosts are new. Without ' +
      '--network it joins the default network, as with podman; --network none is loopback only. Signals are passed on to the command. ' +
      'netloom run ends with the exit code of the command, or with 125 if netloom fails. The daemon can be restarted meanwhile.',
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
    .argument('[args...]', 'its arguments')
    .passThroughOptions()
    .option('-d, --detach', 'print the id and return once the command has started; its output is discarded')
    .option('--rm', 'accepted as with podman: the container is always removed when its command ends')
    .addOption(idOption())
    .action(async (file: string, args: string[], _options, command: Command) => {
      const options: ContainerOptions & RunOptions = command.optsWithGlobals();
      const request = { ...containerRequest(onDefaultNetwork(options)), owner: cliOwner };
      const { runContainer } = await import('../run-container.ts');
      const exitCode = await runContainer(terminal, options, request, [file, ...args]);
      if (exitCode !== 0) throw new EndWith(exitCode);
    });
  addContainerOptions(command);
  const nameOptions = [
    new Option(
      '--dns-search <domain>',
      'search domain, in place of those of the networks and the host (repeatable); . for none',
    ).argParser(collect(searchDomain)),
    new Option(
      '--add-host <name:address>',
      'line to add to /etc/hosts (repeatable); host-gateway: the address of the host',
    ).argParser(collect(addedHost)),
  ];
  for (const option of nameOptions) command.addOption(option.helpGroup('Network options:'));
}
