import { startAdvice } from '../../bus/server/connection.ts';
import { NetloomError } from '../../client.ts';
import type { DamagedDefinition } from '../../core/network/check.ts';
import type { NodeInfo } from '../../core/view.ts';
import { damagedFindings, mayLook, unreadableAdvice, withoutAdvice } from '../doctor/daemon.ts';
import { bad, type Finding, good, isRoot, untried } from '../doctor/finding.ts';
import { EndWith } from '../failure.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { type NetworkSettings, networkSettings, readConfFiles } from './containers-conf.ts';
import { installedDropIn } from './drop-in.ts';
import { foreignBridges } from './foreign-bridges.ts';
import { findIn, findProgram, isDoor, type RunningContainer, runningOnNetworks, versionOf } from './programs.ts';

export interface PodmanStatus {
  /** whether podman's next container gets its network from netloom */
  onNetloom: boolean;
  checks: Finding[];
}

/** Checks which program creates podman's networks, and whether it works. */
export async function podmanStatus(configDir: string, options: GlobalOptions): Promise<PodmanStatus> {
  const settings = networkSettings(readConfFiles(configDir));
  const netavark = findIn(settings.helperDirs.value, 'netavark');
  const onNetloom = netavark !== null && isDoor(netavark) && settings.backend.value !== 'cni';
  const daemon = await askDaemon(options);
  const isInstalled = installedDropIn(configDir) !== null;
  return {
    onNetloom,
    checks: [
      podmanCheck(),
      dropInCheck(configDir),
      ...[backendCheck(settings), helperCheck('netavark', settings), helperCheck('aardvark-dns', settings)].map(
        (finding) => (isInstalled ? finding : unlessInstalled(finding)),
      ),
      daemon.check,
      directoryCheck(settings, daemon.known),
      ...(daemon.known ? damagedFindings(daemon.known.damaged, daemon.known.info) : []),
      ...makerChecks(onNetloom, daemon.known),
    ],
  };
}

function podmanCheck(): Finding {
  const podman = findProgram('podman');
  if (!podman) return bad('podman', 'not found', 'apt install podman');
  const { isReported, text } = versionOf(podman);
  const found = `${text} (${podman})`;
  return isReported
    ? good('podman', found)
    : bad('podman', found, isRoot() ? `correct what it reports: ${podman} --version` : 'run it as root');
}

function dropInCheck(configDir: string): Finding {
  const only = process.env.CONTAINERS_CONF;
  const installed = installedDropIn(configDir);
  if (!installed) return bad('Drop-in', 'not installed', 'netloom podman install');
  return only
    ? bad(
        'Drop-in',
        `${installed.path}, but CONTAINERS_CONF is set: podman reads ${only} only`,
        'unset CONTAINERS_CONF',
      )
    : good('Drop-in', installed.path);
}

/** Reports without a verdict: until the drop-in is installed, installing it is the only fix. */
const unlessInstalled = (finding: Finding): Finding => (finding.ok ? finding : { ...finding, ok: null, mend: null });

function backendCheck({ backend: { value, file } }: NetworkSettings): Finding {
  const name = 'Network backend';
  const said = `${value} (${file})`;
  if (value === 'netavark') return good(name, said);
  return bad(name, value === '' ? 'podman chooses' : said, 'netloom podman install');
}

function helperCheck(name: 'netavark' | 'aardvark-dns', { helperDirs }: NetworkSettings): Finding {
  const found = findIn(helperDirs.value, name);
  if (!found) return bad(name, `not found in ${helperDirs.value.join(', ')}`, 'netloom podman install');
  const text = `${found} (${isDoor(found) ? "netloom's" : versionOf(found).text})`;
  return isDoor(found) ? good(name, text) : bad(name, text, 'netloom podman install');
}

/** State of the daemon; containers by podman's full IDs. */
interface Known {
  info: NodeInfo;
  damaged: DamagedDefinition[];
  containers: Set<string>;
}

async function askDaemon(options: GlobalOptions): Promise<{ check: Finding; known: Known | null }> {
  try {
    return await withClient({ timeout: 5_000, ...options }, async (client) => {
      const info = await client.info();
      const { containers } = await client.container.list();
      const { damaged } = await client.network.list();
      const found = `node ${info.node} is ${info.state}: netloom ${info.version}, process ${info.pid}`;
      const known = { info, damaged, containers: new Set(containers.map(({ id }) => id)) };
      return { check: good('Daemon', found), known };
    });
  } catch (error) {
    if (!(error instanceof NetloomError)) throw error;
    const advice = mayLook(error, options) ? startAdvice : unreadableAdvice;
    return { check: bad('Daemon', withoutAdvice(error), advice), known: null };
  }
}

/** Checks that podman and the daemon use the same directory: each must find the other's definitions. */
function directoryCheck({ networkConfigDir }: NetworkSettings, known: Known | null): Finding {
  const name = 'Networks';
  if (!known) return untried(name, 'the daemon does not answer');
  const { networks } = known.info.directories;
  if (networks === networkConfigDir.value) return good(name, `both keep their definitions in ${networks}`);
  const mend = `netloom daemon --networks-dir ${networkConfigDir.value}`;
  return bad(name, `podman keeps them in ${networkConfigDir.value}, the daemon in ${networks}`, mend);
}

/** Checks for containers and bridges that one program created and another one would take down now. */
function makerChecks(onNetloom: boolean, known: Known | null): Finding[] {
  const podman = findProgram('podman');
  if (!podman) return [];
  if (!known) return [untried('Containers', 'the daemon does not answer')];
  const running = askPodman(podman);
  if (!Array.isArray(running)) return [running, bridgesCheck(onNetloom)];
  return [containersCheck(running, onNetloom, known.containers), bridgesCheck(onNetloom)];
}

/** Lists podman's containers, or reports why podman cannot list them. */
function askPodman(podman: string): RunningContainer[] | Finding {
  try {
    return runningOnNetworks(podman);
  } catch (error) {
    if (!(error instanceof EndWith)) throw error;
    return bad('Containers', error.message, `correct what it reports: ${podman} ps --all`);
  }
}

function containersCheck(running: RunningContainer[], onNetloom: boolean, known: Set<string>): Finding {
  const strangers = running.filter(({ id }) => known.has(id) !== onNetloom);
  const names = strangers.map(({ name }) => name).join(' ');
  const maker = onNetloom ? 'another engine' : 'netloom';
  return strangers.length === 0
    ? good('Containers', `${running.length} on networks`)
    : bad('Containers', `made by ${maker}: ${names}`, `podman stop ${names} under the engine that made them`);
}

function bridgesCheck(onNetloom: boolean): Finding {
  const bridges = foreignBridges();
  if (bridges.length === 0) return good('Bridges', 'none made by another engine');
  const made = `made by another engine: ${bridges.join(' ')}`;
  // they belong to the engine that podman still uses
  if (!onNetloom) return good('Bridges', made);
  return bad('Bridges', made, 'stop its containers; delete those that remain: ip link delete');
}

/**
 * Lists the containers that would lose the engine that created them if podman switched to netloom or back. If the
 * daemon does not answer, all running containers are listed, because any of them may be affected; `isCertain` is false
 * then.
 */
export async function left(
  by: 'netloom' | 'another engine',
  options: GlobalOptions,
): Promise<{ containers: RunningContainer[]; isCertain: boolean }> {
  const podman = findProgram('podman');
  const running = podman ? runningOnNetworks(podman) : [];
  if (running.length === 0) return { containers: [], isCertain: true };
  const { known } = await askDaemon(options);
  if (!known) return { containers: running, isCertain: false };
  return { containers: running.filter(({ id }) => known.containers.has(id) === (by === 'netloom')), isCertain: true };
}
