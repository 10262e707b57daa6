import { availableParallelism } from 'node:os';
import { type Command, Option } from 'commander';
import { defaultRunDir } from '../../bus/server/credentials.ts';
import { defaultNetworkName, nameRefusal } from '../../core/name-rules.ts';
import { systemErrorText } from '../../core/system-error.ts';
import type { DaemonOptions } from '../../daemon.ts';
import { addCommand } from '../command.ts';
import { namedDefault } from '../network-argument.ts';
import {
  badInput,
  directoryParser,
  domainParser,
  environmentFlag,
  type GlobalOptions,
  numberParser,
  serverParser,
  tokenParser,
  wordParser,
} from '../options.ts';
import type { Terminal } from '../terminal.ts';

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const defaultStateDir = '/var/lib/netloom';

interface DaemonFlags extends GlobalOptions {
  stateDir?: string;
  netnsDir?: string;
  networksDir?: string;
  sysctlDir?: string;
  dnsDomain: string;
  defaultNetwork?: string;
  forwardForeign?: boolean;
  natsPort: number;
  allowOpenServer?: boolean;
  workers: number;
  logLevel: string;
}

/** The main thread and the NATS server need a processor, too; two workers that share one wait for each other. */
function defaultWorkers(): number {
  return availableParallelism() > 2 ? 2 : 1;
}

export function daemonCommand(parent: Command, terminal: Terminal): void {
  addCommand(parent, {
    usage: 'daemon',
    details:
      'Networks stay when it ends; it adopts them when it starts again. Without --nats-url it runs a nats-server of its ' +
      'own, on 127.0.0.1 and with credentials. Prints a line on stdout when it serves; logs on stderr, as JSON.',
    examples: [
      'netloom daemon',
      'netloom daemon --run-dir /run/lab --state-dir /var/lib/lab --nats-port 0',
      'netloom daemon --nats-url tls://nats.example.org:4222 --creds /etc/netloom/host-1.creds',
    ],
  })
    .addOption(
      new Option('--node <name>', "node name; default: this host's name")
        .env('NETLOOM_NODE')
        .argParser(tokenParser('--node', 'name.invalid')),
    )
    .addOption(
      new Option('--run-dir <path>', 'journal, credentials, sockets; each daemon needs its own')
        .env('NETLOOM_RUN_DIR')
        .default(defaultRunDir)
        .argParser(directoryParser('--run-dir', 'NETLOOM_RUN_DIR')),
    )
    .addOption(
      new Option('--state-dir <path>', 'data that outlives a reboot; each daemon needs its own')
        .env('NETLOOM_STATE_DIR')
        .default(defaultStateDir)
        .argParser(directoryParser('--state-dir', 'NETLOOM_STATE_DIR')),
    )
    .addOption(
      new Option(
        '--netns-dir <path>',
        'where namespaces are pinned; default: /run/netns, or below another run directory',
      ) //
        .env('NETLOOM_NETNS_DIR')
        .argParser(directoryParser('--netns-dir', 'NETLOOM_NETNS_DIR')),
    )
    .addOption(
      new Option(
        '--networks-dir <path>',
        "definitions of networks, podman's too; default: /etc/containers/networks, or below another state directory",
      )
        .env('NETLOOM_NETWORKS_DIR')
        .argParser(directoryParser('--networks-dir', 'NETLOOM_NETWORKS_DIR')),
    )
    .addOption(
      new Option(
        '--sysctl-dir <path>',
        'settings of bridges, for systemd-sysctl; default: /run/sysctl.d, or below another run directory',
      )
        .env('NETLOOM_SYSCTL_DIR')
        .argParser(directoryParser('--sysctl-dir', 'NETLOOM_SYSCTL_DIR')),
    )
    .addOption(
      new Option('--dns-domain <domain>', "search domain of containers' names; podman's is dns.podman")
        .env('NETLOOM_DNS_DOMAIN')
        .default('dns.netloom')
        .argParser(domainParser('--dns-domain')),
    )
    .addOption(
      new Option(
        '--default-network <name>',
        `network of containers that name none; created as podman would create it (env: NETLOOM_DEFAULT_NETWORK, default: ${defaultNetworkName})`,
      ).argParser(defaultNetworkParser),
    )
    .addOption(
      new Option(
        '--forward-foreign',
        "let links that are not netloom's reach each other through this host, even if netloom switched forwarding on " +
          '(env: NETLOOM_FORWARD_FOREIGN=1)',
      ),
    )
    .addOption(
      new Option('--nats-port <port>', "port of the daemon's own nats-server; 0: a free one")
        .env('NETLOOM_NATS_PORT')
        .default(4222)
        .argParser(numberParser('--nats-port', 0, 65535)),
    )
    .addOption(
      new Option(
        '--nats-url <url>',
        'use this NATS server instead of starting one; put a password into --creds or NATS_URL, because every user of ' +
          'this host can read command lines (env: NATS_URL)',
      ).argParser(serverParser('--nats-url')),
    )
    .addOption(new Option('--creds <file>', 'credentials for the server of --nats-url (env: NETLOOM_CREDS)'))
    .option(
      '--allow-open-server',
      "accept a NATS server without credentials: each of its clients then has root's control of this host's network",
    )
    .addOption(
      new Option('--workers <n>', 'kernel worker threads')
        .env('NETLOOM_WORKERS')
        .default(defaultWorkers(), 'two, or one on a machine with at most two processors')
        .argParser(numberParser('--workers', 1, 64)),
    )
    .addOption(
      new Option('--log-level <level>', `log level: ${logLevels.join(', ')}`)
        .env('NETLOOM_LOG')
        .default('info')
        .argParser(wordParser('--log-level', logLevels)),
    )
    .action((_options, command: Command) => serve(terminal, command.optsWithGlobals()));
}

function defaultNetworkParser(text: string): string {
  const refusal = nameRefusal(text);
  if (refusal !== null) throw badInput(`--default-network: ${refusal}`, 'name.invalid');
  return text;
}

async function serve(terminal: Terminal, flags: DaemonFlags): Promise<void> {
  const options = await daemonOptions(flags);
  const [{ startDaemon }, { shownUrl }] = await Promise.all([
    import('../../daemon.ts'),
    import('../../bus/server/server-url.ts'),
  ]);
  if (flags.sysctlDir !== undefined) await mustHoldSettings(flags.sysctlDir);
  const stopping = new AbortController();
  const stopped = nextSignal(['SIGTERM', 'SIGINT']).then(() => stopping.abort());
  const daemon = await startDaemon(options, stopping.signal).catch((error: unknown) => {
    if (error !== stopping.signal.reason) throw error;
    // unfinished work, such as a connection to a silent server, would keep the process alive for seconds
    process.exit(0);
  });
  const { node, pid, directories } = daemon.info();
  const server = options.outsideServer ? shownUrl(options.outsideServer.url) : 'own nats-server';
  terminal.print(`netloom: node ${node} is serving (process ${pid}, ${server}, ${directories.run})`);
  const failure = await Promise.race([stopped, daemon.failed]);
  await daemon.stop();
  if (failure) throw failure;
}

/** Checks a directory that the user named; without this check an error would show only with the first network. */
async function mustHoldSettings(directory: string): Promise<void> {
  const { SettingsFiles } = await import('../../kernel/links/settings-files.ts');
  try {
    SettingsFiles.tryDirectory(directory);
  } catch (error) {
    const reason = systemErrorText(error as Error);
    throw badInput(`--sysctl-dir ${directory}: settings of bridges cannot be written there: ${reason}`);
  }
}

export async function daemonOptions(flags: DaemonFlags): Promise<DaemonOptions> {
  const [{ defaultNodeName }, { outsideServer }] = await Promise.all([
    import('../../bus/server/connection.ts'),
    import('../../bus/server/discover.ts'),
  ]);
  const runDirectory = flags.runDir ?? defaultRunDir;
  const ownNetns = runDirectory === defaultRunDir ? '/run/netns' : `${runDirectory}/netns`;
  const ownSysctls = runDirectory === defaultRunDir ? '/run/sysctl.d' : `${runDirectory}/sysctl.d`;
  const stateDirectory = flags.stateDir ?? defaultStateDir;
  const ownNetworks = stateDirectory === defaultStateDir ? '/etc/containers/networks' : `${stateDirectory}/networks`;
  return {
    node: flags.node ?? defaultNodeName(),
    runDirectory,
    stateDirectory,
    netnsDirectory: flags.netnsDir ?? ownNetns,
    networksDirectory: flags.networksDir ?? ownNetworks,
    sysctlDirectory: flags.sysctlDir ?? ownSysctls,
    searchDomain: flags.dnsDomain,
    defaultNetwork: flags.defaultNetwork ?? namedDefault() ?? defaultNetworkName,
    forwardForeign: flags.forwardForeign ?? environmentFlag('NETLOOM_FORWARD_FOREIGN'),
    natsPort: flags.natsPort,
    outsideServer: outsideServer({ url: flags.natsUrl, creds: flags.creds }, process.env),
    allowOpenServer: flags.allowOpenServer ?? false,
    workers: flags.workers,
    logLevel: flags.logLevel,
  };
}

/**
 * Resolves at the first signal, which ends the daemon in order, and removes the handlers: a second signal ends it at
 * once.
 */
function nextSignal(signals: NodeJS.Signals[]): Promise<void> {
  return new Promise((resolve) => {
    const hear = () => {
      for (const signal of signals) process.off(signal, hear);
      resolve();
    };
    for (const signal of signals) process.on(signal, hear);
  });
}
