import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import {
  addContainerOptions,
  type ContainerOptions,
  cliOwner,
  containerRequest,
  idOption,
} from '../container-options.ts';
import { EndWith } from '../failure.ts';
import { explainingBridge } from '../network-argument.ts';
import type { GlobalOptions } from '../options.ts';
import type { Terminal } from '../terminal.ts';

export function runCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'run',
    details:
      'The command keeps our files, users and environment: only its network is new. Without --network that is loopback ' +
      'and nothing else; podman would join its default network, which is --network bridge here. Signals are handed on to it, and ' +
      'its exit code becomes ours. The daemon may be restarted meanwhile.',
    examples: [
      'netloom run --network web -p 8080:80 -- python3 -m http.server 80',
      'netloom run --network web --name shell -- bash',
      'netloom run --network web --ip 10.89.0.50 --mac 02:00:00:00:00:50 -- ip address',
      'netloom run --network web --network db:interface_name=db0 -- ip route',
      'netloom run --network container:web -- ss -ltn',
    ],
  });
  command
    .argument('<command>', 'what to run; put -- before it when it has options')
    .argument('[args...]')
    .passThroughOptions()
    .addOption(idOption())
    .action(async (file: string, args: string[], _options, command: Command) => {
      const options: ContainerOptions & GlobalOptions = command.optsWithGlobals();
      const request = { ...containerRequest(options), owner: cliOwner };
      const { runContainer } = await import('../run-container.ts');
      const exitCode = await explainingBridge(runContainer(terminal, options, request, [file, ...args]));
      if (exitCode !== 0) throw new EndWith(exitCode);
    });
  addContainerOptions(command);
}
