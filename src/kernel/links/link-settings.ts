import * as native from '#native';
import { SystemError } from '../../core/fault.ts';
import { ipv6Sysctls, type SettingDrift, settingDrift } from '../../core/plan/interface-settings.ts';
import type { Step } from '../../core/steps/step.ts';

/** By its path, its /proc/sys is one of the addon's own: the host's may be read-only, which is not about links that we made. */
const ownNetns = '/proc/thread-self/ns/net';

/**
 * Sets what differs of a link's IPv6 settings, and answers what that was. They are read by netlink, which takes no look at
 * /proc; the kernel takes them by /proc only. A link without IPv6 has none.
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
