import * as native from '#native';
import { SystemError } from '../../core/fault.ts';
import { ipv6Sysctls, type SettingDrift, settingDrift } from '../../core/plan/interface-settings.ts';
import type { Step } from '../../core/steps/step.ts';

/** By this path, the addon uses its own mount of /proc/sys: the host's may be read-only, which must not affect netloom's links. */
const ownNetns = '/proc/thread-self/ns/net';

/**
 * Sets a link's IPv6 settings that differ, and returns which ones did. Reads them by netlink, which needs no /proc; the kernel
 * accepts them by /proc only. A link without IPv6 has none.
 */
export function setIpv6(
  socket: native.RouteSocket,
  { netns, name, settings }: Extract<Step, { verb: 'link.ipv6' }>,
): SettingDrift[] {
  const link = native.linkByName(socket, name);
  if (!link) throw new SystemError('set IPv6 settings', 'ENODEV', `no link is named ${name}`);
  const drifted = settingDrift(name, 6, settings, link.ipv6Configuration);
  if (drifted.length > 0) native.setSysctls(netns ?? ownNetns, ipv6Sysctls(name, settings));
  return drifted;
}
