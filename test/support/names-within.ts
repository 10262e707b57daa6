import { execFileSync } from 'node:child_process';

/**
 * The answers of a server to the system's own resolver library within a namespace: addresses of names, in both families, and all names
 * of addresses; an error's code without an answer. One process for all questions.
 */
export function namesWithin(netns: string, server: string, questions: readonly string[]): string[][] {
  const script = `
    const { isIP } = require('node:net');
    const [server, ...questions] = process.argv.slice(1);
    const resolver = new (require('node:dns').promises.Resolver)({ timeout: 2000, tries: 2 });
    resolver.setServers([server]);
    const of = async (name) => {
      const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
      const found = [four, six].flatMap(({ value }) => value ?? []);
      return found.length > 0 ? found : [four.reason?.code];
    };
    const ask = (what) => (isIP(what) ? resolver.reverse(what) : of(what)).catch(({ code }) => [code]);
    Promise.all(questions.map(ask)).then((found) => console.log(JSON.stringify(found)));`;
  const bracketed = server.includes(':') ? `[${server}]` : server;
  const line = [`--net=${netns}`, process.execPath, '-e', script, bracketed, ...questions];
  return JSON.parse(execFileSync('nsenter', line, { encoding: 'utf8' }));
}
