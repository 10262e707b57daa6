import { existsSync } from 'node:fs';

/** Programs of the Debian packages that `node scripts/prepare.mjs --tests` installs. */
export const programs = {
  podman: '/usr/bin/podman',
  busybox: '/bin/busybox',
  netavark: '/usr/lib/podman/netavark',
  'aardvark-dns': '/usr/lib/podman/aardvark-dns',
  dnsmasq: '/usr/sbin/dnsmasq',
};

/** Returns why podman cannot be tested here; null when it can. */
export function missing(): string | null {
  if (process.getuid?.() !== 0) return 'needs root';
  const absent = Object.entries(programs).filter(([, path]) => !existsSync(path));
  return absent.length === 0 ? null : `not installed: ${absent.map(([name]) => name).join(', ')}`;
}
