import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

/** Sessions, codes and refresh tokens that a provider keeps at most; the oldest make room. */
const LIMIT = 10_000;

interface Entry {
  payload: AdapterPayload;
  /** Milliseconds since the epoch. */
  expires: number;
}

/** Where a provider keeps its sessions, codes and opaque tokens: in memory, of its own, bounded; gone when it stops. */
export function memory(): AdapterFactory {
  const entries = new Map<string, Entry>();
  return (model): Adapter => {
    const key = (id: string) => `${model}:${id}`;
    const live = ([id, { expires }]: [string, Entry]) => id.startsWith(`${model}:`) && expires > Date.now();
    const search = (wanted: (payload: AdapterPayload) => boolean) =>
      [...entries].find((entry) => live(entry) && wanted(entry[1].payload))?.[1].payload;
    return {
      upsert: (id, payload, expiresIn) => {
        entries.delete(key(id));
        // Not every model has an end (clients, for one): Infinity is a time that does not come.
        entries.set(key(id), { payload, expires: expiresIn ? Date.now() + expiresIn * 1000 : Infinity });
        const [oldest] = entries.keys();
        if (entries.size > LIMIT && oldest !== undefined) entries.delete(oldest);
        return Promise.resolve();
      },
      find: (id) => {
        const entry = entries.get(key(id));
        return Promise.resolve(entry && entry.expires > Date.now() ? entry.payload : undefined);
      },
      findByUserCode: (userCode) => Promise.resolve(search((payload) => payload.userCode === userCode)),
      findByUid: (uid) => Promise.resolve(search((payload) => payload.uid === uid)),
      consume: (id) => {
        const entry = entries.get(key(id));
        if (entry) entry.payload.consumed = Math.floor(Date.now() / 1000);
        return Promise.resolve();
      },
      destroy: (id) => {
        entries.delete(key(id));
        return Promise.resolve();
      },
      revokeByGrantId: (grantId) => {
        for (const [id, { payload }] of entries) if (payload.grantId === grantId) entries.delete(id);
        return Promise.resolve();
      },
    };
  };
}
