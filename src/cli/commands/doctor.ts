import type { Command } from 'commander';
import { defaultRunDir } from '../../bus/server/credentials.ts';
import { clientCommand } from '../command.ts';
import type { Finding } from '../doctor/finding.ts';
import { EndWith, exitCode } from '../failure.ts';
import { directoryParser, type GlobalOptions } from '../options.ts';
import { hanging, json, paint, plain, type Terminal } from '../terminal.ts';

interface DoctorOptions extends GlobalOptions {
  stateDir?: string;
}

export function doctorCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'doctor',
    details:
      'Tries everything in a temporary network namespace: nothing on this machine is changed. ' +
      'Exit code 0 if every check passes, 1 if one fails. A daemon that was not started on the run directory since the ' +
      'last boot is not a failure.',
    examples: ['sudo netloom doctor', "netloom doctor --json | jq '.checks[] | select(.ok | not)'"],
  })
    .option(
      '--state-dir <path>',
      "the daemon's state directory; default: that of the daemon that runs (or NETLOOM_STATE_DIR, /var/lib/netloom)",
      directoryParser('--state-dir'),
    )
    .action(async (_options, command: Command) => {
      const options: DoctorOptions = command.optsWithGlobals();
      const checks = await examine(options, process.env);
      const ok = checks.every((finding) => finding.ok === true || finding.pending);
      terminal.print(options.json ? json({ ok, checks }) : findingsText(terminal, checks));
      if (!ok) throw new EndWith(exitCode.failed);
    });
}

async function examine(options: DoctorOptions, environment: NodeJS.ProcessEnv): Promise<Finding[]> {
  const [machine, { kernelChecks }, { firewallChecks }, { daemonChecks }, { resolverPorts }] = await Promise.all([
    import('../doctor/machine.ts'),
    import('../doctor/kernel.ts'),
    import('../doctor/firewalls.ts'),
    import('../doctor/daemon.ts'),
    import('../doctor/resolver.ts'),
  ]);
  const natsUrl = options.natsUrl ?? (environment.NATS_URL || undefined);
  const daemon = await daemonChecks({ ...options, natsUrl });
  // a daemon at a URL may run on another host
  const ownState = natsUrl === undefined ? daemon.directories?.state : undefined;
  const assumedState = environment.NETLOOM_STATE_DIR ?? '/var/lib/netloom';
  return [
    machine.nodeVersion(),
    machine.kernelVersion(),
    machine.privileges(),
    ...(await kernelChecks()),
    machine.forwardingSettings(),
    ...(await firewallChecks({ ...options, natsUrl })),
    machine.serverBinary(natsUrl),
    machine.writable('Run directory', options.runDir ?? environment.NETLOOM_RUN_DIR ?? defaultRunDir),
    machine.writable('State directory', options.stateDir ?? ownState ?? assumedState),
    ...resolverPorts(),
    ...daemon.findings,
  ];
}

export function findingsText(terminal: Terminal, findings: Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length)) + 2;
  const lines = findings.flatMap(({ check, ok, found, mend }) => [
    `${mark(terminal, ok)} ${check.padEnd(width)}${found
      .split('\n')
      .map((line) => hanging(terminal, plain(line), width + 2))
      .join(`\n${' '.repeat(width + 2)}`)}`,
    ...(mend === null
      ? []
      : [`${' '.repeat(width + 2)}${paint(terminal, 'yellow', `→ ${hanging(terminal, plain(mend), width + 4)}`)}`]),
  ]);
  return [...lines, '', paint(terminal, 'bold', verdictOf(findings))].join('\n');
}

function verdictOf(findings: Finding[]): string {
  const examined = findings.filter((finding) => !finding.pending);
  const [missing, untried] = [false, null].map((ok) => examined.filter((finding) => finding.ok === ok).length);
  const begun = examined.length === findings.length;
  if (missing === 0 && untried === 0) return begun ? 'All is well.' : 'All is well: start netloom daemon.';
  if (missing === 0) return `${untried} of ${findings.length} checks were skipped.`;
  const skipped = untried === 0 ? '' : `; ${untried} ${untried === 1 ? 'was' : 'were'} skipped`;
  return `${missing} of ${findings.length} checks failed${skipped}.`;
}

function mark(terminal: Terminal, ok: boolean | null): string {
  if (ok === null) return paint(terminal, 'dim', '–');
  return ok ? paint(terminal, 'green', '✓') : paint(terminal, 'red', '✗');
}
