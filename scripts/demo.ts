import { promises } from 'node:fs';
import { connect, type NetloomClient } from '../src/client.ts';
import { Facts } from './demo/facts.ts';
import { fetchPage, type Page } from './demo/fetch-page.ts';
import { aside, block, chapter, command, fact, failed, seen, theEnd, title } from './demo/narrator.ts';
import { type Actor, type Inventory, Stage } from './demo/stage.ts';

/** The main job from end to end, on the real kernel. Anything that does not come true ends it with exit code 1. */

const hostPort = 8080;
const names = ['web', 'visitor'];
const about = (fact: string) => names.map((name) => `container/${name} ${fact}`);

/** What is on the stage while the story goes on. */
interface Scene {
  stage: Stage;
  client: NetloomClient;
  facts: Facts;
  daemon: Actor;
  web: Actor;
  visitor: Actor;
  webAddress: string;
  gateway: string;
}

async function story(stage: Stage): Promise<void> {
  title('netloom: the life of a container network, shown by its events');
  aside('This host is a network namespace made for the demo; your own network is left alone.');
  aside('What stands behind a bar │ was published over NATS, as it happened.');

  const before = await theHost(stage, 'The host, before');
  const scene = await theBeginning(stage);
  await theFetches(scene);
  await theCrash(scene);
  await theAdoption(scene);
  await theTearDown(scene);
  const after = await theHost(stage, 'The host, after');
  nothingIsLeft(before, after);
}

async function theHost(stage: Stage, heading: string): Promise<Inventory> {
  chapter(heading);
  const found = stage.inventory();
  for (const [what, list] of Object.entries(found)) block(`${what.padEnd(14)}${list.join(', ') || 'none'}`);
  return found;
}

async function theBeginning(stage: Stage): Promise<Scene> {
  chapter('A daemon with its nats-server, a network, two containers');
  command('netloom daemon');
  const daemon = await stage.daemon();
  const client = await connect({ name: 'netloom demo', runDir: stage.runDirectory });
  const facts = new Facts(client, (event) => fact(event, stage.runDirectory));
  await facts.all([`node/${stage.node} serving`]);

  command('netloom network create demo');
  await stage.cli('network', 'create', 'demo');
  await facts.all(['network/demo created']);

  command(`netloom run --network demo --name web -p ${hostPort}:80 -- node page-server.js`);
  const web = await stage.container('web', 'page-server', ['--network', 'demo', '-p', `${hostPort}:80`]);
  await facts.all(['container/web running']);

  command('netloom run --network demo --name visitor -- node page-client.js');
  const visitor = await stage.container('visitor', 'page-client', ['--network', 'demo']);
  await facts.all(['container/visitor running']);

  command('netloom ps');
  block(await stage.cli('ps'));
  return { stage, client, facts, daemon, web, visitor, ...(await addresses(client)) };
}

async function addresses(client: NetloomClient) {
  const { containers } = await client.container.list();
  const [subnet] = containers
    .filter(({ id }) => id === 'web')
    .flatMap(({ status }) => status.demo?.interfaces.eth0?.subnets ?? []);
  if (!subnet?.gateway) throw new Error('container web has no address on network demo');
  return { webAddress: subnet.ipnet.split('/')[0] as string, gateway: subnet.gateway };
}

async function theFetches(scene: Scene): Promise<void> {
  chapter('The page of container web, fetched in three ways');
  await fetchAll(scene);
}

/** From the host by the published port, from the other container by address, and by the host's port (hairpin). */
async function fetchAll({ visitor, webAddress, gateway }: Scene): Promise<void> {
  const show = ({ url, body, tookMs }: Page, from: string) =>
    seen(`${from}, ${new URL(url).host}`, `"${body}" ${tookMs.toFixed(1)} ms`);
  show(await fetchPage(`http://127.0.0.1:${hostPort}/`), 'host, published port');
  show(await ask(visitor, `http://${webAddress}/`), 'visitor, by address');
  show(await ask(visitor, `http://${gateway}:${hostPort}/`), "visitor, by the host's port");
}

async function ask(visitor: Actor, url: string): Promise<Page> {
  visitor.process.stdin?.write(`${url}\n`);
  const { value, done } = await visitor.lines.next();
  if (done) throw new Error('container visitor has ended');
  const answer = JSON.parse(value) as Page & { error?: string };
  if (answer.error) throw new Error(`visitor cannot fetch ${url}: ${answer.error}`);
  return answer;
}

async function theCrash(scene: Scene): Promise<void> {
  const { pid } = scene.daemon.process;
  chapter('The daemon is killed, and the network does not mind');
  command(`kill -9 ${pid}`);
  scene.daemon.process.kill('SIGKILL');
  seen(`the daemon is dead (${await scene.daemon.ended})`);
  await fetchAll(scene);
}

async function theAdoption(scene: Scene): Promise<void> {
  chapter('Started again, it adopts what lives');
  command('netloom daemon');
  const { stage, facts } = scene;
  const known = facts.count;
  scene.daemon = await stage.daemon();
  await facts.all([...about('adopted'), 'network/demo adopted', `node/${stage.node} serving`], known);
  const { containers } = await scene.client.container.list();
  const idle = containers.filter(({ state }) => state !== 'running').map(({ id, state }) => `${id} is ${state}`);
  if (containers.length !== names.length || idle.length > 0)
    throw new Error(`of ${containers.length} containers ${idle.join(', ') || 'all run'}`);
  seen('both containers are adopted and running');
  await fetchAll(scene);
}

async function theTearDown({ stage, client, facts, daemon, web, visitor }: Scene): Promise<void> {
  chapter('Taken down');
  command(`kill ${web.process.pid} ${visitor.process.pid}`);
  for (const run of [web, visitor]) run.process.kill('SIGTERM');
  await facts.all(about('removed'));
  await Promise.all([web.ended, visitor.ended]);

  command('netloom network rm demo');
  await stage.cli('network', 'rm', 'demo');
  await facts.all(['network/demo removed']);
  const elements = stage.inventory()['nft elements'];
  if (elements.length > 0) throw new Error(`the firewall still has ${elements.join(', ')}`);
  seen('the firewall has nothing of them any more');

  await facts.close();
  await client.close();
  daemon.process.kill('SIGTERM');
  const how = await daemon.ended;
  if (how !== 0) throw new Error(`the daemon ended with ${how}`);
  seen('the daemon has ended');
}

function nothingIsLeft(before: Inventory, after: Inventory): void {
  for (const [what, list] of Object.entries(after)) {
    const old = before[what as keyof Inventory];
    const left = list.filter((name) => !old.includes(name));
    if (left.length > 0) throw new Error(`${what} left behind: ${left.join(', ')}`);
  }
}

async function main(): Promise<number> {
  if (process.getuid?.() !== 0) {
    console.error('The demo makes network namespaces: run it as root (sudo npm run demo).');
    return 1;
  }
  await promises.stat('/'); // libuv's pool threads start here, before this thread moves to another namespace
  const stage = new Stage();
  process.once('exit', () => stage.strike());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
  process.stdout.once('error', () => process.exit(1));
  try {
    await story(stage);
    theEnd();
    return 0;
  } catch (error) {
    failed((error as Error).message);
    block(`The last words on stderr:\n${stage.lastWords()}`);
    return 1;
  }
}

process.exit(await main()); // whatever an unlucky demo still waits for
