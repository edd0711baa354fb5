import { describe, expect, it } from 'vitest';
import { growth } from '../../../test/support/growth.js';
import { pseudonym, withoutPeople } from './people.js';

const IAM = 'arn:aws:iam::111122223333:';

describe('names of people in names of resources', () => {
  it.each([
    [`${IAM}user/jane.doe`, `${IAM}user/`, 'jane.doe', ''],
    [`${IAM}user/clinic/nurses/jane`, `${IAM}user/`, 'clinic/nurses/jane', ''],
    [`arn:aws-us-gov:iam::111122223333:user/jane`, 'arn:aws-us-gov:iam::111122223333:user/', 'jane', ''],
    ['arn:aws:iam::<account_uid>:user/jane', 'arn:aws:iam::<account_uid>:user/', 'jane', ''],
    [`${IAM}mfa/jane`, `${IAM}mfa/`, 'jane', ''],
    [
      'arn:aws:sts::111122223333:assumed-role/Admin/jane@clinic.example',
      'arn:aws:sts::111122223333:assumed-role/Admin/',
      'jane@clinic.example',
      '',
    ],
    ['arn:aws:redshift:eu-west-1:1:dbuser:db/jane', 'arn:aws:redshift:eu-west-1:1:dbuser:', 'db/jane', ''],
    [`eu-west-1/${IAM}user/jane`, `eu-west-1/${IAM}user/`, 'jane', ''],
    ['/home/jane/src/a.ts', '/home/', 'jane', '/src/a.ts'],
    ['/home/jane', '/home/', 'jane', ''],
    ['/var/home/jane/a', '/var/home/', 'jane', '/a'],
    ['/Users/jane doe/a', '/Users/', 'jane doe', '/a'],
    ['file:///home/jane/a', 'file:///home/', 'jane', '/a'],
    ['file://host/home/jane/a', 'file://host/home/', 'jane', '/a'],
    ['file:///C:/Users/Jane%20Doe/a', 'file:///C:/Users/', 'Jane%20Doe', '/a'],
    ['C:\\Users\\jane\\a.cs', 'C:\\Users\\', 'jane', '\\a.cs'],
    ['c:/documents and settings/jane/a', 'c:/documents and settings/', 'jane', '/a'],
    ['/c/Users/jane/a', '/c/Users/', 'jane', '/a'],
    ['/mnt/c/Users/jane/a', '/mnt/c/Users/', 'jane', '/a'],
    ['\\\\files\\Users\\jane\\a', '\\\\files\\Users\\', 'jane', '\\a'],
    ['projects/p/members/user:jane.doe+x@clinic.example', 'projects/p/members/user:', 'jane.doe+x@clinic.example', ''],
    ['mailbox/jane@163.com/rules', 'mailbox/', 'jane@163.com', '/rules'],
  ])('is the person in %s replaced?', (name, before, person, after) => {
    expect(withoutPeople(name)).toBe(before + pseudonym(person) + after);
  });

  it.each([
    `${IAM}root`,
    `${IAM}role/Admin`,
    `${IAM}group/nurses`,
    'arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_a',
    'arn:aws:s3:::home/jane',
    'src/Users/List.cs',
    'packages/home/page.tsx',
    'https://clinic.example/home/page',
    'home',
    '/home/',
    'registry.example/app@sha256:0123',
    'pkg:npm/%40clinic/portal@1.0.0-beta.rc',
    'lodash@4.17.21',
    'x@v1.2.rc',
    'sa@project.iam.gserviceaccount.com',
    'clinic/Deployment.apps/portal',
    'jane@localhost',
    '',
  ])('is %j left as it is?', (name) => {
    expect(withoutPeople(name)).toBe(name);
  });

  it('are two people two resources, and one the same each time?', () => {
    const [jane, joe] = ['jane', 'joe'].map((name) => withoutPeople(`${IAM}user/${name}`));
    expect(jane).toMatch(/user\/sha256:[0-9a-f]{16}$/);
    expect(jane).not.toBe(joe);
    expect(withoutPeople(jane ?? '')).not.toBe(`${IAM}user/jane`);
    expect(withoutPeople(`${IAM}user/jane`)).toBe(jane);
  });

  it.each(['@', 'a', 'a@', '/home/', '/User', '\\', 'arn:aws:iam::1:user', 'a.', 'file://'])(
    'does a long text of %j take a time that grows with it, and not with its square?',
    async (part) => {
      const look = (times: number): void => {
        const text = part.repeat(times);
        withoutPeople(text);
        withoutPeople(`${text}@${text}`);
      };
      expect(await growth(look, 4_000, 8)).toBeLessThan(40);
    },
  );
});
