import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { addressBytes } from '../../src/core/address.ts';

/** Ethernet frames byte by byte, so that they can contain what a container's own kernel would not send. */

const program = new URL('../../native/build/test-programs/frames', import.meta.url).pathname;

export const broadcast = 'ff:ff:ff:ff:ff:ff';
export const etherTypes = {
  ipv4: 0x0800,
  arp: 0x0806,
  vlan: 0x8100,
  ipv6: 0x86dd,
  serviceVlan: 0x88a8,
  experiment: 0x88b5,
};
const protocols = { tcp: 6, udp: 17, icmp6: 58, destinationOptions: 60 };

const mac = (text: string): Buffer => Buffer.from(text.replaceAll(':', ''), 'hex');
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const u32 = (value: number): Buffer => Buffer.concat([u16(value >>> 16), u16(value & 0xffff)]);

export function ethernet(source: string, type: number, payload: Uint8Array, destination = broadcast): Buffer {
  return Buffer.concat([mac(destination), mac(source), u16(type), payload]);
}

/** The same frame with a tag of that VLAN before its type. */
export function tagged(frame: Buffer, vlanId: number, tag = etherTypes.vlan): Buffer {
  return Buffer.concat([frame.subarray(0, 12), u16(tag), u16(vlanId), frame.subarray(12)]);
}

/** `marker` comes after the fields that ARP reads. */
export function arp(
  {
    operation = 2,
    mac: senderMac,
    address,
    target = address,
  }: { operation?: 1 | 2; mac: string; address: string; target?: string },
  marker: Buffer,
): Buffer {
  const header = Buffer.from('0001080006040000', 'hex');
  header[7] = operation;
  return Buffer.concat([
    header,
    mac(senderMac),
    addressBytes(address),
    mac('00:00:00:00:00:00'),
    addressBytes(target),
    marker,
  ]);
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum >>> 16) + (sum & 0xffff);
  return ~sum & 0xffff;
}

/** A UDP datagram; without a checksum, which IPv4 allows. */
export function udp4(source: string, destination: string, marker: Buffer, [from, to] = [4000, 4001]): Buffer {
  const datagram = Buffer.concat([u16(from as number), u16(to as number), u16(8 + marker.length), u16(0), marker]);
  return ip4(source, destination, protocols.udp, datagram);
}

function ip4(source: string, destination: string, protocol: number, payload: Buffer): Buffer {
  const header = Buffer.concat([
    Buffer.from([0x45, 0]),
    u16(20 + payload.length),
    Buffer.from([0, 0, 0, 0, 64, protocol, 0, 0]),
    addressBytes(source),
    addressBytes(destination),
  ]);
  u16(checksum(header)).copy(header, 10);
  return Buffer.concat([header, payload]);
}

function ip6(source: string, destination: string, next: number, payload: Buffer): Buffer {
  const start = Buffer.concat([Buffer.from([0x60, 0, 0, 0]), u16(payload.length), Buffer.from([next, 255])]);
  return Buffer.concat([start, addressBytes(source), addressBytes(destination), payload]);
}

const pseudoHeader = (source: string, destination: string, next: number, length: number): Buffer =>
  Buffer.concat([addressBytes(source), addressBytes(destination), u32(length), u32(next)]);

export function udp6(source: string, destination: string, marker: Buffer): Buffer {
  const datagram = Buffer.concat([u16(4000), u16(4001), u16(8 + marker.length), u16(0), marker]);
  const sum = checksum(Buffer.concat([pseudoHeader(source, destination, protocols.udp, datagram.length), datagram]));
  u16(sum).copy(datagram, 6);
  return ip6(source, destination, protocols.udp, datagram);
}

/** One TCP segment with any flags (a letter of `FSRPAU` each), to a port, with the marker as its data. */
export function tcp(source: string, destination: string, port: number, flags: string, marker: Buffer): Buffer {
  const bits = [...flags].reduce((sum, flag) => sum | (1 << 'FSRPAU'.indexOf(flag)), 0);
  const start = Buffer.concat([u16(4000), u16(port), u32(1), u32(0)]);
  const segment = Buffer.concat([start, Buffer.from([0x50, bits, 0xff, 0xff, 0, 0, 0, 0]), marker]);
  const sum = checksum(Buffer.concat([pseudoHeader(source, destination, protocols.tcp, segment.length), segment]));
  u16(sum).copy(segment, 16);
  const wrap = source.includes(':') ? ip6 : ip4;
  return wrap(source, destination, protocols.tcp, segment);
}

/** The marker, six bytes, is in an option that receivers ignore (a nonce). `behindOptions`: behind a destination options header. */
export function icmp6(
  { type, source, destination = 'ff02::1', body }: { type: number; source: string; destination?: string; body: Buffer },
  marker: Buffer,
  behindOptions = false,
): Buffer {
  const message = Buffer.concat([Buffer.from([type, 0, 0, 0]), body, Buffer.from([14, 1]), marker]);
  u16(checksum(Buffer.concat([pseudoHeader(source, destination, protocols.icmp6, message.length), message]))).copy(
    message,
    2,
  );
  if (!behindOptions) return ip6(source, destination, protocols.icmp6, message);
  const options = Buffer.from([protocols.icmp6, 0, 1, 4, 0, 0, 0, 0]);
  return ip6(source, destination, protocols.destinationOptions, Buffer.concat([options, message]));
}

/** Flags (override, solicited) or reserved bytes, the target, and where it is. */
export const advertisement = (target: string, at: string): Buffer =>
  Buffer.concat([Buffer.from([0x20, 0, 0, 0]), addressBytes(target), Buffer.from([2, 1]), mac(at)]);
/** The field of every announcement that binds an address to that MAC address: ARP's sender, or an advertisement's target and its option. */
export const announced = (address: string, at: string): Buffer =>
  address.includes(':')
    ? Buffer.concat([addressBytes(address), Buffer.from([2, 1]), mac(at)])
    : Buffer.concat([mac(at), addressBytes(address)]);
export const solicitation = (target: string): Buffer => Buffer.concat([u32(0), addressBytes(target)]);

export function sendFrames(netns: string | null, interfaceName: string, frames: readonly Buffer[]): void {
  const command = [program, 'send', interfaceName, ...frames.map((frame) => frame.toString('hex'))];
  const [file, ...args] = netns === null ? command : ['nsenter', `--net=${netns}`, ...command];
  execFileSync(file as string, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

const patienceMs = 5_000;

/** Receives every frame that arrives at an interface. */
export class FrameListener {
  readonly #process: ChildProcess;
  readonly #frames: string[] = [];
  readonly #listeners = new Set<() => void>();

  private constructor(netns: string | null, interfaceName: string) {
    const command = [program, 'hear', interfaceName];
    const [file, ...args] = netns === null ? command : ['nsenter', `--net=${netns}`, ...command];
    this.#process = spawn(file as string, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface(this.#process.stdout as NodeJS.ReadableStream).on('line', (line) => {
      this.#frames.push(line);
      for (const listener of [...this.#listeners]) listener();
    });
  }

  static async open(netns: string | null, interfaceName: string): Promise<FrameListener> {
    const listener = new FrameListener(netns, interfaceName);
    await listener.#until(() => listener.#frames.includes('ready'), 'ready');
    return listener;
  }

  /** Checks whether a frame with that marker has arrived. */
  has(marker: Buffer): boolean {
    return this.count(marker) > 0;
  }

  /** How many frames with that marker have arrived. */
  count(marker: Buffer): number {
    const text = marker.toString('hex');
    return this.#frames.filter((frame) => frame.includes(text)).length;
  }

  /** Resolves when it has arrived. */
  async hears(marker: Buffer): Promise<void> {
    await this.#until(() => this.has(marker), marker.toString('hex'));
  }

  async close(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  #until(isTrue: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!isTrue()) return;
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#listeners.delete(look);
        reject(new Error(`never arrived: ${what}`));
      }, patienceMs);
      this.#listeners.add(look);
      look();
    });
  }
}
