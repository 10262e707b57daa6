import { get } from 'node:http';

export interface Page {
  url: string;
  body: string;
  tookMs: number;
}

/** Fetches over a new connection, so that each fetch goes the whole way. Rejects when no page comes within two seconds. */
export function fetchPage(url: string): Promise<Page> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: 2_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ url, body: body.trim(), tookMs: performance.now() - startedAt }));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`${url}: no answer within two seconds`)));
    request.on('error', reject);
  });
}
