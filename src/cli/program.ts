import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { containerCreateCommand } from './commands/container-create.ts';
import { containerLsCommand } from './commands/container-ls.ts';
import { containerRmCommand } from './commands/container-rm.ts';
import { containerSetupCommand } from './commands/container-setup.ts';
import { containerStartedCommand } from './commands/container-started.ts';
import { containerTeardownCommand } from './commands/container-teardown.ts';
import { daemonCommand } from './commands/daemon.ts';
import { doctorCommand } from './commands/doctor.ts';
import { eventsCommand } from './commands/events.ts';
import { gcCommand } from './commands/gc.ts';
import { inspectCommand } from './commands/inspect.ts';
import { networkConnectCommand } from './commands/network-connect.ts';
import { networkCreateCommand } from './commands/network-create.ts';
import { networkDisconnectCommand } from './commands/network-disconnect.ts';
import { networkExistsCommand } from './commands/network-exists.ts';
import { networkInspectCommand } from './commands/network-inspect.ts';
import { networkLsCommand } from './commands/network-ls.ts';
import { networkPruneCommand } from './commands/network-prune.ts';
import { networkReloadCommand } from './commands/network-reload.ts';
import { networkRmCommand } from './commands/network-rm.ts';
import { networkUpdateCommand } from './commands/network-update.ts';
import { nodeInfoCommand } from './commands/node-info.ts';
import { planCommand } from './commands/plan.ts';
import { podmanInstallCommand, podmanStatusCommand, podmanUninstallCommand } from './commands/podman.ts';
import { portListCommand } from './commands/port-list.ts';
import { portPublishCommand, portUnpublishCommand } from './commands/port-publish.ts';
import { psCommand } from './commands/ps.ts';
import { reachabilityCommand } from './commands/reachability.ts';
import { runCommand } from './commands/run.ts';
import { statsCommand } from './commands/stats.ts';
import { EndWith, exitCode, exitCodeHelp, networkExitCode, reportFailure } from './failure.ts';
import {
  addConnectionOptions,
  addJsonOption,
  commonOptionsLast,
  environmentFlag,
  type GlobalOptions,
} from './options.ts';
import type { Terminal } from './terminal.ts';

const { version } = createRequire(import.meta.url)('#package.json') as { version: string };

/** The whole command line; answers the exit code. */
export async function runCli(args: string[], terminal: Terminal): Promise<number> {
  const netloom = program(terminal);
  let group = '';
  netloom.hook('preSubcommand', (_netloom, command) => {
    group = command.name();
  });
  try {
    environmentFlag('NETLOOM_DEBUG');
    await netloom.parseAsync(args, { from: 'user' });
    return exitCode.ok;
  } catch (error) {
    const failure = usageFailure(error);
    const code = reportFailure(terminal, failure, asksForJson(args));
    return group === 'network' ? networkExitCode(failure) : code;
  }
}

function program(terminal: Terminal): Command {
  const netloom = new Command('netloom')
    .description('Container networks on Linux, driven by events: commands and facts over NATS.')
    .version(version)
    .helpCommand(false)
    .configureHelp(commonOptionsLast)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.warn(text.trimEnd()),
      outputError: () => undefined, // told by reportFailure, as every failure
      getOutHasColors: () => terminal.colored,
    })
    .addHelpText('after', `\n${examples}\n\n${exitCodeHelp}`);
  addConnectionOptions(addJsonOption(netloom));

  netloom.commandsGroup('Containers:');
  for (const add of [runCommand, psCommand, inspectCommand, statsCommand]) add(netloom, terminal);
  const container = group(netloom, 'container', 'the life of a container network, step by step');
  for (const add of containerCommands) add(container, terminal);
  const port = group(netloom, 'port', 'publish ports of containers, also of those that are up');
  for (const add of [portListCommand, portPublishCommand, portUnpublishCommand]) add(port, terminal);
  planCommand(netloom, terminal);

  netloom.commandsGroup('Networks:');
  const network = group(
    netloom,
    'network',
    'networks, and who is on them; the verbs and options are those of podman network',
  );
  for (const add of networkCommands) add(network, terminal);
  reachabilityCommand(netloom, terminal);

  netloom.commandsGroup('This host:');
  for (const add of [daemonCommand, eventsCommand, doctorCommand, gcCommand]) add(netloom, terminal);
  nodeInfoCommand(group(netloom, 'node', 'what the daemon says of itself'), terminal);
  const podman = group(netloom, 'podman', 'let podman have its networks from netloom, and back');
  for (const add of [podmanInstallCommand, podmanUninstallCommand, podmanStatusCommand]) add(podman, terminal);
  return netloom;
}

const containerCommands = [
  containerCreateCommand,
  containerSetupCommand,
  containerStartedCommand,
  containerTeardownCommand,
  containerRmCommand,
  containerLsCommand,
];
const networkCommands = [
  networkCreateCommand,
  networkLsCommand,
  networkInspectCommand,
  networkExistsCommand,
  networkUpdateCommand,
  networkConnectCommand,
  networkDisconnectCommand,
  networkReloadCommand,
  networkRmCommand,
  networkPruneCommand,
];

function group(parent: Command, name: string, summary: string): Command {
  return parent.command(name).summary(summary).description(summary).helpCommand(false);
}

const examples = `Examples:
  netloom doctor
  netloom network create web
  netloom run --network web -p 8080:80 -- python3 -m http.server 80
  netloom ps
  netloom events --follow`;

/** commander's words for wrong usage; what it throws for --help and --version is no failure. */
function usageFailure(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  if (error.exitCode === 0) return new EndWith(exitCode.ok);
  if (error.code === 'commander.help') return new EndWith(exitCode.badInput);
  return new EndWith(exitCode.badInput, { code: 'usage', message: error.message.replace(/^error: /, '') });
}

/** Also when the arguments could not be parsed. What follows `--` is not ours. */
function asksForJson(args: string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).includes('--json' satisfies `--${keyof GlobalOptions}`);
}
