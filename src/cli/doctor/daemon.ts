import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { AdvisedError, startAdvice } from '../../bus/server/connection.ts';
import { credentialsFile, defaultRunDir } from '../../bus/server/credentials.ts';
import { orphanAt, serverFiles } from '../../bus/server/server-process.ts';
import { type NetloomClient, NetloomError } from '../../client.ts';
import { bytesText } from '../../core/bytes.ts';
import { forwardingText } from '../../core/forwarding.ts';
import type { DamagedDefinition } from '../../core/network/check.ts';
import type { ContainerView, NetworkView, NodeInfo } from '../../core/view.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { plain } from '../terminal.ts';
import { bad, type Finding, good, isRoot, pending } from './finding.ts';

const check = 'Daemon';

export interface DaemonChecks {
  findings: Finding[];
  /** the daemon's directories; null: it does not answer */
  directories: NodeInfo['directories'] | null;
}

/** Checks whether the daemon answers; if not, also whether another program uses its port. */
export async function daemonChecks(options: GlobalOptions): Promise<DaemonChecks> {
  try {
    const { info, networks, damaged, containers } = await withClient(
      { timeout: 5_000, ...options },
      async (client: NetloomClient) => ({
        info: await client.info(),
        ...(await client.network.list()),
        ...(await client.container.list()),
      }),
    );
    const found = `node ${info.node} is ${info.state}: netloom ${info.version}, process ${info.pid}`;
    const findings = [
      info.state === 'serving' ? good(check, found) : bad(check, found, 'try again in a moment'),
      storageFinding(info),
      ...forwardingFindings(info),
      ...damagedFindings(damaged, info),
      ...degradedFindings('Networks', networks, 'netloom network inspect --format facts'),
      ...degradedFindings('Containers', containers, 'netloom inspect'),
      ...(isRoot() && options.natsUrl === undefined ? settingsFindings(info) : []),
    ];
    return { findings, directories: info.directories };
  } catch (error) {
    if (!(error instanceof NetloomError)) throw error;
    return { findings: await silenceFindings(error, options), directories: null };
  }
}

async function silenceFindings(error: NetloomError, options: GlobalOptions): Promise<Finding[]> {
  // the daemon may be running, and use the port
  if (!mayLook(error, options)) return [bad(check, error.message, unreadableAdvice)];
  const silent = isYetToCome(options)
    ? pending(check, 'not running yet: netloom daemon starts it')
    : bad(check, withoutAdvice(error), `${startAdvice}; or, if it runs elsewhere: --run-dir, --nats-url`);
  return options.natsUrl === undefined ? [await portCheck(runDirectory(options)), silent] : [silent];
}

/** Returns the message of an error without advice: a finding gives its own. */
export const withoutAdvice = (error: NetloomError): string =>
  error instanceof AdvisedError ? error.plain.message : error.message;

export const unreadableAdvice = 'run it as root, or set NETLOOM_CREDS to a file that you may read';

/** Checks whether this user can ask the daemon: only root can read the admin's credentials that it wrote. */
export const mayLook = ({ code }: NetloomError, { natsUrl, creds }: GlobalOptions): boolean =>
  isRoot() ||
  code !== 'bus.unauthorized' ||
  natsUrl !== undefined ||
  (creds ?? process.env.NETLOOM_CREDS) !== undefined;

const runDirectory = ({ runDir }: GlobalOptions): string => runDir ?? process.env.NETLOOM_RUN_DIR ?? defaultRunDir;

/** Checks that no daemon has run since boot: one leaves its credentials in its run directory until the next reboot. */
function isYetToCome({ natsUrl, creds, runDir }: GlobalOptions): boolean {
  if (natsUrl !== undefined || (creds ?? process.env.NETLOOM_CREDS) !== undefined) return false;
  const directory = runDirectory({ runDir });
  // only root can read it; a daemon with an outside server writes no credentials, but its process ID
  return isRoot() && ![credentialsFile(directory, 'admin'), `${directory}/daemon.pid`].some((file) => existsSync(file));
}

/** A daemon with less than 2 MiB in its run directory refuses set-ups; this limit warns earlier. */
const littleBytes = 16 * 2 ** 20;

/** Reports the free space on the disks that the daemon writes to. */
export function storageFinding({ storage, directories, outbox }: StorageInfo): Finding {
  const found = [
    `${bytesText(storage.runFreeBytes)} free for ${directories.run}`,
    `${bytesText(storage.stateFreeBytes)} for ${directories.state}`,
    ...(outbox > 0 ? [`${outbox} events wait`] : []),
  ].join(', ');
  const isLow = Math.min(storage.runFreeBytes, storage.stateFreeBytes) < littleBytes;
  const place = storage.runFreeBytes < littleBytes ? directories.run : directories.state;
  if (storage.refused === null && !isLow) return good('Room on disk', found);
  return bad('Room on disk', found, `free space on the file system of ${place}; netloom then continues by itself`);
}

type StorageInfo = Pick<NodeInfo, 'storage' | 'directories' | 'outbox'>;

/** Reports whether this host forwards, and whether foreign links are kept apart. */
export function forwardingFindings({ forwarding }: Pick<NodeInfo, 'forwarding'>): Finding[] {
  return forwarding.length > 0 ? [good('Forwarding', forwarding.map(forwardingText).join('; '))] : [];
}

const mostShown = 5;

/** Reports ignored network files, the first few by name. */
export function damagedFindings(
  damaged: readonly DamagedDefinition[],
  { directories }: Pick<NodeInfo, 'directories'>,
): Finding[] {
  if (damaged.length === 0) return [];
  const shown = damaged.slice(0, mostShown).map(({ file, reason }) => plain(`${file} is left out: ${reason}`));
  const more = damaged.length > mostShown ? [`${damaged.length - mostShown} more: netloom network ls`] : [];
  return [bad('Network files', [...shown, ...more].join('\n'), `correct or remove them in ${directories.networks}`)];
}

/** Reports containers and networks that netloom could not restore. */
export function degradedFindings(
  check: 'Networks' | 'Containers',
  all: readonly Pick<ContainerView | NetworkView, 'name' | 'state' | 'lastFault'>[],
  inspect: string,
): Finding[] {
  const degraded = all.filter(({ state }) => state === 'degraded');
  const [first] = degraded;
  if (!first) return [];
  const shown = degraded
    .slice(0, mostShown)
    .map(({ name, lastFault }) => plain(`${name} is degraded${lastFault ? `: ${lastFault.message}` : ''}`));
  const more = degraded.length > mostShown ? [`${degraded.length - mostShown} more`] : [];
  return [bad(check, [...shown, ...more].join('\n'), `netloom tries again by itself; see ${inspect} ${first.name}`)];
}

/** Reports a directory that cannot store settings; netloom restores these settings anyway. */
export function settingsFindings({ directories }: Pick<NodeInfo, 'directories'>): Finding[] {
  const { sysctl } = directories;
  try {
    // it is created with the first network
    const place = existsSync(sysctl) ? sysctl : dirname(sysctl);
    if (!statSync(place).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    accessSync(place, constants.W_OK);
    return [];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const found = `${sysctl} cannot be written (${code}): what sysctl --system changes is restored within a second`;
    return [good('Settings files', found)];
  }
}

const defaultPort = 4222;

/**
 * Checks whether the port is free. A server that a killed daemon left behind is no problem: the next daemon ends it.
 */
export function portCheck(runDir: string, port = defaultPort): Promise<Finding> {
  const name = 'NATS port';
  const orphan = orphanAt(port, serverFiles(runDir));
  if (orphan !== null) {
    const found = `${port} on 127.0.0.1 has the nats-server (process ${orphan}) of a daemon that was killed`;
    return Promise.resolve(good(name, `${found}; netloom daemon replaces it`));
  }
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () =>
      resolve(
        bad(
          name,
          `${port} on 127.0.0.1 is taken by another program`,
          "netloom daemon --nats-port 0; or, when it is Debian's own service: systemctl disable --now nats-server",
        ),
      ),
    );
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(good(name, `${port} on 127.0.0.1 is free`))));
  });
}
