import { describe, expect, it } from 'vitest';
import { refuseAddress } from './address.js';

describe('which addresses are refused before anything is sent to them?', () => {
  it.each([
    'https://hooks.example.com/safeguard?of=clinic',
    'https://hooks.example.com:8443/',
    'https://93.184.215.14/',
    'https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/',
  ])('is %s taken?', (address) => expect(refuseAddress(address, new Set())).toBeNull());

  it.each([
    'http://hooks.example.com/',
    'ftp://hooks.example.com/',
    'hooks.example.com',
    '',
    'https://',
    'https://user:password@hooks.example.com/',
    'https://user@hooks.example.com/',
    'https://hooks.example.com/#part',
    'https://10.0.0.1/',
    'https://127.0.0.1/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://169.254.169.254/latest/meta-data',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[fd00::1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://api.localhost/',
    'https://printer.local/',
    'https://metadata.google.internal/',
    'https://kubernetes/',
    'https://hooks.test/',
  ])('is %s refused?', (address) => expect(refuseAddress(address, new Set())).not.toBeNull());

  it('is a private host taken that the operator has named, and no other?', () => {
    const named = new Set(['hooks.clinic.internal', '10.0.0.7', '[fd00::7]']);
    for (const address of ['https://hooks.clinic.internal/', 'https://10.0.0.7/', 'https://[fd00::7]:8443/']) {
      expect(refuseAddress(address, named)).toBeNull();
    }
    for (const address of [
      'http://10.0.0.7/',
      'https://10.0.0.8/',
      'https://other.clinic.internal/',
      'https://a@10.0.0.7/',
    ]) {
      expect(refuseAddress(address, named)).not.toBeNull();
    }
  });
});
