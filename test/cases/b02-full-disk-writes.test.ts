import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  type Credentials,
  credentialsFile,
  readCredentials,
  writeCredentials,
} from '../../src/bus/server/credentials.ts';
import { isStorageFull } from '../../src/files/free-space.ts';
import { runDoor } from '../doors/door.ts';
import { type FileSystem, SmallDisk } from '../support/small-disk.ts';

/** Writes to the run directory other than the journal's: complete or absent, and possible again once there is room. */

const sizesMiB: Record<FileSystem, number> = { tmpfs: 1, ext4: 4 };
let disk: SmallDisk;

const on = (fileSystem: FileSystem) => {
  disk = new SmallDisk(fileSystem, sizesMiB[fileSystem]);
};
beforeEach(() => on('tmpfs'));
afterEach(() => disk.remove());

const credentials = (password: string): Credentials => ({
  url: 'nats://127.0.0.1:4222',
  user: 'admin',
  password,
  inboxPrefix: '_INBOX.admin',
  node: 'here',
});

function refusalOf(act: () => void): unknown {
  try {
    act();
    return null;
  } catch (error) {
    return error;
  }
}

it.each(['tmpfs', 'ext4'] as const)(
  'B02 credentials are written completely or not at all on a full %s',
  (fileSystem) => {
    if (fileSystem === 'ext4') {
      disk.remove();
      on(fileSystem);
    }
    const file = credentialsFile(disk.path, 'admin');
    writeCredentials(file, credentials('first'));
    disk.fill();
    // more than the file system reserves beside its blocks
    const refused = refusalOf(() => writeCredentials(file, credentials('x'.repeat(100_000))));
    expect(isStorageFull(refused) && refused.message).toContain(`nothing can be written to ${dirname(file)}`);
    expect(readdirSync(dirname(file))).toEqual(['admin.json']);
    expect(readCredentials(file)).toEqual(credentials('first'));
    disk.makeRoom();
    writeCredentials(file, credentials('second'));
    expect(readCredentials(file)).toEqual(credentials('second'));
    expect(statSync(file).mode & 0o777).toBe(0o600);
  },
);

it('B02 a first credentials file without disk space leaves nothing behind', () => {
  disk.fill();
  const file = credentialsFile(disk.path, 'viewer');
  expect(isStorageFull(refusalOf(() => writeCredentials(file, credentials('secret'))))).toBe(true);
  expect(existsSync(dirname(file)) ? readdirSync(dirname(file)) : []).toEqual([]);
});

it('B02 the netavark door reports a teardown that it cannot queue on a full disk, leaves no partial file, and queues it once there is room', async () => {
  const queue = `${disk.path}/teardowns`;
  mkdirSync(queue);
  writeFileSync(`${queue}/earlier.json`, '{}');
  disk.fill();
  const network = { name: 'web', id: '0'.repeat(64), driver: 'bridge', network_interface: 'podman1', subnets: [] };
  const input = {
    container_id: 'c1',
    container_name: 'c1',
    networks: { web: { interface_name: 'eth0' } },
    network_info: { web: network },
  };
  // no daemon: no process answers where the run directory has no credentials
  const teardown = () => runDoor(['teardown', '/run/netns/c1'], { env: { NETLOOM_RUN_DIR: disk.path }, input });
  const { code, stdout, stderr } = await teardown();
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(JSON.parse(stdout).error).toMatch(new RegExp(`${queue}/\\S+: No space left on device`));
  expect(readdirSync(queue)).toEqual(['earlier.json']);

  disk.makeRoom();
  expect(await teardown()).toEqual({ code: 0, stdout: '', stderr: '' });
  const [left] = readdirSync(queue).filter((file) => file !== 'earlier.json');
  expect(left).toMatch(/\.json$/);
  expect(JSON.parse(readFileSync(`${queue}/${left}`, 'utf8'))).toEqual({
    id: 'c1',
    netns: '/run/netns/c1',
    networks: ['web'],
  });
});
