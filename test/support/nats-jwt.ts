import { nkeys } from '@nats-io/nats-core';

/** An operator with one account and one user, as `nsc` makes them: the server's configuration, and the user's `.creds` file. */
export function natsAccount(): { config: string; creds: string } {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  const anything = { subs: -1, data: -1, payload: -1 };
  const limits = { ...anything, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const operatorJwt = jwt(operator, operator, { type: 'operator' });
  const accountJwt = jwt(operator, account, { type: 'account', limits });
  const userJwt = jwt(account, user, { type: 'user', ...anything, pub: {}, sub: {} });
  const seed = new TextDecoder().decode(user.getSeed());
  return {
    config: `operator: ${operatorJwt}\nresolver: MEMORY\nresolver_preload: { ${account.getPublicKey()}: ${accountJwt} }\n`,
    creds: [
      block('NATS USER JWT', userJwt),
      '************************* IMPORTANT *************************\n',
      block('USER NKEY SEED', seed),
    ].join('\n'),
  };
}

type KeyPair = ReturnType<typeof nkeys.createUser>;

function jwt(issuer: KeyPair, subject: KeyPair, nats: Record<string, unknown>): string {
  const [iss, sub] = [issuer.getPublicKey(), subject.getPublicKey()];
  const claims = { jti: 'test', iat: 1_700_000_000, iss, sub, name: 'test', nats: { ...nats, version: 2 } };
  const signed = [{ typ: 'JWT', alg: 'ed25519-nkey' }, claims].map((part) => base64url(JSON.stringify(part))).join('.');
  return `${signed}.${base64url(issuer.sign(new TextEncoder().encode(signed)))}`;
}

const base64url = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString('base64url');

const block = (name: string, text: string): string => `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n`;
