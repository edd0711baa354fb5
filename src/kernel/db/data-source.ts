import { fileURLToPath } from 'node:url';
import { DataSource, DefaultNamingStrategy, type DataSourceOptions, type NamingStrategyInterface } from 'typeorm';

/** `organizationId` in code is `organization_id` in SQL; tables carry the entity's given name. */
class SnakeNaming extends DefaultNamingStrategy implements NamingStrategyInterface {
  override columnName(propertyName: string, customName: string | undefined, prefixes: string[]): string {
    return [...prefixes, customName ?? propertyName]
      .map((part) => part.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
      .join('_');
  }
}

const beside = (pattern: string) => fileURLToPath(new URL(pattern, import.meta.url));

/** Connection pool limits. Times in milliseconds. */
export interface PoolOptions {
  max: number;
  statementTimeout: number;
}

/**
 * A database whose machine has vanished resets no connection: without these probes, whoever waits for its answer waits for ever. Three things here connect
 * for themselves.
 */
export const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 };

export function dataSourceOptions(url: string, pool: PoolOptions): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    applicationName: 'safeguard',
    entities: [beside('../../**/*.entity.js')],
    migrations: [beside('../../../migrations/*.js')],
    migrationsTableName: 'migration',
    namingStrategy: new SnakeNaming(),
    synchronize: false,
    logging: false,
    poolSize: pool.max,
    extra: {
      ...KEEP_ALIVE,
      statement_timeout: pool.statementTimeout,
      // A transaction whose program hung must not hold its locks for ever.
      idle_in_transaction_session_timeout: 60_000,
      connectionTimeoutMillis: 10_000,
    },
  };
}

export const openDataSource = (url: string, pool: PoolOptions): Promise<DataSource> =>
  new DataSource(dataSourceOptions(url, pool)).initialize();
