import 'reflect-metadata';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DiscoveryService, MetadataScanner, ModulesContainer, NestFactory, Reflector } from '@nestjs/core';
import { pino } from 'pino';
import { AppModule } from './app.module.js';
import { loadConfig } from './config.js';
import { Operations } from './kernel/http/operations.js';
import { openApiText } from './reference/reference.controller.js';

// `npm run sync` writes openapi.yaml; `npm run check:openapi` fails when it is not what the program says.

const FILE = fileURLToPath(new URL('../../openapi.yaml', import.meta.url));

/** Enough to describe the program; in Nest's preview nothing of it is started. */
const config = loadConfig({
  DATABASE_URL: 'postgres://preview',
  PUBLIC_URL: 'https://preview.example',
  EVIDENCE_DIRECTORY: 'preview',
  KEY_FILE: 'preview',
  SIGNING_KEY_DIRECTORY: 'preview',
  OIDC_ISSUER: 'https://preview.example',
  OIDC_AUDIENCE: 'preview:api',
  OIDC_CLIENT_ID: 'preview',
  OIDC_CLI_CLIENT_ID: 'preview',
  OIDC_MFA_AMR: 'mfa',
  SESSION_SECRET: 'preview preview preview preview!',
});

const app = await NestFactory.create(AppModule.with(config, pino({ level: 'silent' })), {
  preview: true,
  logger: ['error'],
});
const text = openApiText(
  new Operations(new DiscoveryService(app.get(ModulesContainer)), new MetadataScanner(), new Reflector()),
);

if (!process.argv.includes('--check')) {
  await writeFile(FILE, text);
} else if ((await readFile(FILE, 'utf8').catch(() => '')) !== text) {
  process.stderr.write('openapi.yaml is not what the program says. Run «npm run sync» and read the difference.\n');
  process.exitCode = 1;
}
