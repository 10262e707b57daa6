import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { currentNetnsIdentity, getSysctl, holdPort, setSysctl } from '#native';
import { apply, becomeHost, faultOf, type Host, run } from './host.ts';
import { addBridge } from './requests.ts';

let host: Host;
beforeAll(async () => {
  host = await becomeHost();
});
afterAll(() => host.close());

describe('sysctl', () => {
  it('sysctl writes a differing value and returns whether it did', () => {
    expect(setSysctl(null, 'net.ipv4.ip_forward', '1')).toBe(true);
    expect(setSysctl(null, 'net.ipv4.ip_forward', '1')).toBe(false);
    expect(getSysctl(null, 'net.ipv4.ip_forward')).toBe('1');
    expect(run(null, 'cat', ['/proc/sys/net/ipv4/ip_forward']).trim()).toBe('1');
  });

  it('sysctl acts only in the namespace of a path', () => {
    const { path } = host.netns('sysctl');
    const before = currentNetnsIdentity();
    expect(setSysctl(path, 'net.ipv4.ping_group_range', '0 2000')).toBe(true);
    expect(run(path, 'cat', ['/proc/sys/net/ipv4/ping_group_range']).trim()).toBe('0\t2000');
    expect(getSysctl(null, 'net.ipv4.ping_group_range')).not.toBe('0\t2000');
    expect(currentNetnsIdentity()).toEqual(before);
  });

  it('sysctl treats blanks and tabs alike when it compares', () => {
    setSysctl(null, 'net.ipv4.ip_local_port_range', '20000 30000');
    expect(setSysctl(null, 'net.ipv4.ip_local_port_range', '20000 30000')).toBe(false);
  });

  it('sysctl reaches a device with a dot in its name by slashes', () => {
    apply(host.socket, addBridge('br0.5'));
    expect(setSysctl(null, 'net/ipv4/conf/br0.5/forwarding', '0')).toBe(true);
    expect(getSysctl(null, 'net/ipv4/conf/br0.5/forwarding')).toBe('0');
  });

  it('sysctl returns null, and ENOENT, for a key that the kernel does not have', () => {
    expect(getSysctl(null, 'net.ipv4.no_such_key')).toBeNull();
    expect(faultOf(() => setSysctl(null, 'net.ipv4.no_such_key', '1'))).toMatchObject({ errno: 'ENOENT' });
    expect(faultOf(() => setSysctl(null, 'net.ipv4.ip_forward', 'x'))).toMatchObject({ errno: 'EINVAL' });
    expect(faultOf(() => getSysctl(null, 'net/../kernel/hostname'))).toMatchObject({ errno: 'EINVAL' });
  });
});

describe('holdPort', () => {
  const taken = (protocol: 'tcp' | 'udp', address: string, port: number) =>
    faultOf(() => holdPort(protocol, address, port).close())?.errno ?? null;

  it.each(['tcp', 'udp'] as const)('holdPort blocks a %s port for other programs until it is closed', (protocol) => {
    const held = holdPort(protocol, '127.0.0.1', 0);
    expect(held.port).toBeGreaterThan(0);
    expect(taken(protocol, '127.0.0.1', held.port)).toBe('EADDRINUSE');
    expect(taken(protocol, '0.0.0.0', held.port)).toBe('EADDRINUSE');
    held.close();
    expect(taken(protocol, '0.0.0.0', held.port)).toBeNull();
  });

  it('holdPort shows another program that the port is taken', () => {
    const held = holdPort('tcp', '0.0.0.0', 0);
    const program = `require('node:net').createServer().listen(${held.port}, '127.0.0.1')`;
    expect(spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' }).stderr).toContain('EADDRINUSE');
    held.close();
  });

  it('holdPort holds the port of one family only', () => {
    const held = holdPort('tcp', '::', 0);
    expect(taken('tcp', '0.0.0.0', held.port)).toBeNull();
    expect(taken('tcp', '::1', held.port)).toBe('EADDRINUSE');
    held.close();
  });

  it('holdPort refuses an address of another host', () => {
    expect(taken('tcp', '192.0.2.1', 80)).toBe('EADDRNOTAVAIL');
  });

  it('holdPort reports which address and port were refused', () => {
    const held = holdPort('tcp', '127.0.0.1', 8080);
    expect(faultOf(() => holdPort('tcp', '127.0.0.1', 8080))).toEqual({
      op: 'hold port',
      errno: 'EADDRINUSE',
      detail: '127.0.0.1 port 8080',
    });
    held.close();
  });

  it('holdPort holds an SCTP port, or reports that the kernel has no SCTP', () => {
    const fault = faultOf(() => holdPort('sctp', '127.0.0.1', 0).close());
    expect(fault?.errno ?? 'held').toMatch(/^(held|EPROTONOSUPPORT)$/);
  });
});
