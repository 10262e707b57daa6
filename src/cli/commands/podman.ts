import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { defaultRunDir } from '../../bus/server/credentials.ts';
import { clientCommand } from '../command.ts';
import { EndWith, exitCode } from '../failure.ts';
import { existingDirectoryParser, type GlobalOptions } from '../options.ts';
import { json, type Terminal } from '../terminal.ts';
import { findingsText } from './doctor.ts';

interface PodmanOptions extends GlobalOptions {
  configDir: string;
  force?: boolean;
}

const usualConfigDir = '/etc/containers';

const configDirOption = [
  '--config-dir <path>',
  "where podman's containers.conf is",
  existingDirectoryParser('--config-dir', usualConfigDir),
  usualConfigDir,
] as const;

export function podmanInstallCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'install',
    details:
      "Writes one drop-in file, containers.conf.d/50-netloom.conf: podman then finds netloom's netavark first. " +
      'Refused while containers run on networks that another engine made, because that engine has to tear them down. ' +
      "With --run-dir the file also contains the daemon's run directory.",
    examples: ['sudo netloom podman install', 'sudo netloom podman install --run-dir /run/lab'],
  })
    .option(...configDirOption)
    .option('--force', 'also while containers run')
    .action(async (_options, command: Command) => {
      const options: PodmanOptions = command.optsWithGlobals();
      const [{ installDropIn, refusal }, { doorDir }] = await dropInAndDoor();
      if (!existsSync(join(doorDir, 'netavark')))
        throw refusal(`${doorDir}/netavark is not built: npm run build:native`);
      if (!options.force) await refuseWhileInUse('another engine', options);
      const runDir = options.runDir ?? process.env.NETLOOM_RUN_DIR ?? defaultRunDir;
      const { path } = installDropIn(options.configDir, { doorDir, runDir: runDir === defaultRunDir ? null : runDir });
      terminal.print(options.json ? json({ installed: path }) : `podman uses netloom: ${path}`);
      const { replaceableBy } = await import('../../files/ownership.ts');
      const how = replaceableBy(join(doorDir, 'netavark'));
      if (how) terminal.warn(`warning: podman runs ${doorDir}/netavark as root, and ${how}`);
    });
}

export function podmanUninstallCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'uninstall',
    details:
      'Removes what install wrote, and nothing else. Refused while containers run on networks that netloom made, or may have made (only its daemon knows).',
    examples: ['sudo netloom podman uninstall'],
  })
    .option(...configDirOption)
    .option('--force', 'also while containers run')
    .action(async (_options, command: Command) => {
      const options: PodmanOptions = command.optsWithGlobals();
      const [{ removeDropIn }] = await dropInAndDoor();
      if (!options.force) await refuseWhileInUse('netloom', options);
      const removed = removeDropIn(options.configDir);
      const outcome = removed ? 'podman is as it was before' : 'podman did not use netloom: nothing changed';
      terminal.print(options.json ? json({ removed }) : outcome);
    });
}

export function podmanStatusCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'status',
    details: 'Exit code 0 if podman uses netloom and everything works, 1 otherwise.',
    examples: ['sudo netloom podman status', 'sudo netloom podman status --json | jq .onNetloom'],
  })
    .option(...configDirOption)
    .action(async (_options, command: Command) => {
      const options: PodmanOptions = command.optsWithGlobals();
      const { podmanStatus } = await import('../podman/status.ts');
      const status = await podmanStatus(options.configDir, options);
      const verdict = status.onNetloom ? 'podman uses netloom.' : 'podman does not use netloom.';
      terminal.print(options.json ? json(status) : `${verdict}\n\n${findingsText(terminal, status.checks)}`);
      if (!status.checks.every(({ ok }) => ok === true)) throw new EndWith(exitCode.failed);
    });
}

async function refuseWhileInUse(maker: 'netloom' | 'another engine', options: PodmanOptions): Promise<void> {
  const [{ left }, [{ refusal }]] = await Promise.all([import('../podman/status.ts'), dropInAndDoor()]);
  const { containers, isCertain } = await left(maker, options);
  const names = containers.map(({ name }) => name).join(' ');
  if (!names) return;
  const why = isCertain
    ? `the networks of ${names} were made by ${maker}`
    : `the daemon does not answer: ${maker} may have made the networks of ${names}`;
  throw refusal(`${why}: podman stop ${names} first, or --force`);
}

/** Loads these modules only when they are used, so that `--help` does not wait for them. */
const dropInAndDoor = () => Promise.all([import('../podman/drop-in.ts'), import('../podman/programs.ts')]);
