import { mkdirSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { StorageGuard } from '../../src/files/storage-guard.ts';
import { SmallDisk } from '../support/small-disk.ts';

let disk: SmallDisk;
let guard: StorageGuard;
let pending = 0;
const reports: string[] = [];

let keepReserve: () => number;

beforeEach(() => {
  reports.length = 0;
  pending = 0;
  keepReserve = () => 2 ** 22;
  disk = new SmallDisk('tmpfs', 8);
  for (const name of ['run', 'state']) mkdirSync(`${disk.path}/${name}`);
  guard = new StorageGuard({
    runDirectory: `${disk.path}/run`,
    stateDirectory: `${disk.path}/state`,
    keepReserve: () => keepReserve(),
    pending: () => pending,
  });
  guard.on('full', (message) => reports.push(message));
  guard.on('freed', () => reports.push('freed'));
  guard.on('unknown', (message) => reports.push(message));
});
afterEach(() => {
  guard.stop();
  disk.remove();
});

it('B02 the storage guard refuses new things without room on the disk, and reports it once', async () => {
  guard.start();
  guard.refuseWhenFull();
  expect(guard.hasRoomForEvents()).toBe(true);
  disk.fill();
  await expect.poll(() => guard.view().refused).toBe('run');
  expect(() => guard.refuseWhenFull()).toThrow(`the file system of ${disk.path}/run has less than 2.0 MiB left`);
  expect(guard.hasRoomForEvents()).toBe(false);
  disk.makeRoom();
  await expect.poll(() => guard.view().refused).toBeNull();
  guard.refuseWhenFull();
  expect(reports).toEqual([expect.stringContaining('less than 2.0 MiB left'), 'freed']);
});

it('B01 the storage guard limits the number of events that wait for room', async () => {
  guard.start();
  pending = 30_000;
  await expect.poll(() => guard.view().refused).toBeNull();
  pending = 30_001;
  await expect.poll(() => guard.view().refused).toBe('events');
  expect(() => guard.refuseWhenFull()).toThrow('more than 30000 events wait for room');
  pending = 0;
  await expect.poll(() => guard.view().refused).toBeNull();
  expect(reports).toEqual([expect.stringContaining('more than 30000 events'), 'freed']);
});

it('B02 the storage guard reports a full disk at the start', () => {
  disk.fill();
  guard.start();
  expect(reports).toEqual([expect.stringContaining('less than 2.0 MiB left')]);
});

it('B11 the storage guard treats a removed state directory as full, and reports it once', async () => {
  guard.start();
  rmSync(`${disk.path}/state`, { recursive: true });
  expect(guard.hasRoomForEvents()).toBe(false);
  await expect.poll(() => guard.view()).toMatchObject({ stateFreeBytes: 0, refused: null });
  guard.refuseWhenFull();
  mkdirSync(`${disk.path}/state`);
  await expect.poll(() => guard.hasRoomForEvents()).toBe(true);
  expect(reports).toEqual([`the file system of ${disk.path}/state cannot be looked at: no such file or directory`]);
});

it('B11 the storage guard refuses new things when the run directory was removed', async () => {
  guard.start();
  rmSync(`${disk.path}/run`, { recursive: true });
  await expect.poll(() => guard.view().refused).toBe('run');
  expect(() => guard.refuseWhenFull()).toThrow('run cannot be read (no such file or directory): nothing is set up');
});

it('B02 the storage guard survives a journal whose reserve cannot be kept', () => {
  keepReserve = () => {
    throw Object.assign(new Error('Input/output error'), { code: 5 });
  };
  guard.start();
  expect(guard.view().reservedBytes).toBe(0);
  expect(reports).toEqual(['the journal cannot be looked at: Input/output error']);
});
