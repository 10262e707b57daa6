import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Native from '#native';
import { SystemError } from '../../core/fault.ts';
import { missingPrivileges } from '../../kernel/privileges.ts';
import { asRoot, bad, type Finding, good, tried, untried } from './finding.ts';

/** Tries what the kernel supports inside a temporary namespace, so that nothing on the host changes. */

const names = {
  addon: 'Native addon',
  netns: 'Network namespaces',
  links: 'Bridges and veths',
  nft: 'nftables',
} as const;

export async function kernelChecks(): Promise<Finding[]> {
  let native: typeof Native;
  try {
    native = await import('#native');
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0] ?? '';
    const rest = [names.netns, names.links, names.nft].map((check) => untried(check, 'the native addon is missing'));
    return [bad(names.addon, reason, 'build it: npm run build:native (needs cmake and g++)'), ...rest];
  }
  return [good(names.addon, 'loaded'), ...inThrowAwayNetns(native)];
}

function inThrowAwayNetns(native: typeof Native): Finding[] {
  const directory = mkdtempSync(join(tmpdir(), 'netloom-doctor-'));
  const path = join(directory, 'netns');
  try {
    let socket: Native.RouteSocket | null = null;
    if (missingPrivileges().length > 0)
      return [bad(names.netns, 'cannot be made without these privileges', asRoot), ...untriedWithin()];
    const made = tried(names.netns, 'run it with CAP_SYS_ADMIN; the kernel needs CONFIG_NET_NS', () => {
      socket = native.createNetns(path).socket;
      return 'can be made and pinned';
    });
    if (socket === null) return [made, ...untriedWithin()];
    const findings = [made, links(native, socket, path), firewall(native, path)];
    (socket as Native.RouteSocket).close();
    return findings;
  } finally {
    native.removeNetns(path);
    rmSync(directory, { recursive: true, force: true });
  }
}

const untriedWithin = (): Finding[] => [names.links, names.nft].map((check) => untried(check, 'no namespace'));

function links(native: typeof Native, socket: Native.RouteSocket, path: string): Finding {
  return tried(names.links, 'modprobe bridge veth (CONFIG_BRIDGE, CONFIG_VETH)', () => {
    const failures = native.route(socket, [
      { verb: 'addBridge', name: 'bridge0', macAddress: null, mtuBytes: null, up: true },
      {
        verb: 'addVeth',
        name: 'veth0',
        mtuBytes: null,
        peerName: 'veth1',
        peerNetnsPath: path,
        macAddress: null,
        peerMacAddress: null,
      },
      { verb: 'setLink', name: 'veth0', master: 'bridge0', up: true },
    ]);
    const failure = failures.find((entry) => entry !== null);
    if (failure) throw new SystemError(failure.op, failure.errno, failure.detail);
    return 'can be made';
  });
}

function firewall(native: typeof Native, path: string): Finding {
  const mend =
    'apt install nftables (libnftables.so.1); modprobe nf_tables nft_chain_nat nft_fib_inet nft_ct nft_masq nft_redir';
  return tried(names.nft, mend, () => {
    const ruleset = readFileSync(createRequire(import.meta.url).resolve('#native/base.nft'), 'utf8');
    const home = openSync('/proc/thread-self/ns/net', 'r');
    try {
      native.enterNetns(path);
      native.loadRuleset(ruleset);
    } finally {
      native.enterNetns(`/proc/self/fd/${home}`);
      closeSync(home);
    }
    return "netloom's ruleset loads";
  });
}
