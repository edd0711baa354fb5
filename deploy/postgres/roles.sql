-- The three roles and the database. Run once, by psql with the variables owner_password and server_password (docs/operations.md).

-- Owns the database and the schema. `safeguard migrate` alone logs in as it; the server never does.
create role safeguard_owner login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'owner_password';
-- For an administrator who is no superuser (managed services) and could not give the database away otherwise.
grant safeguard_owner to current_user with set true, inherit true;

-- What the server may do: migrations grant to this group.
create role safeguard_app nologin nosuperuser nocreatedb nocreaterole noreplication nobypassrls;

-- The server's login. It owns nothing and bypasses no row-level security: else the server refuses to start.
create role safeguard_server login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'server_password';
grant safeguard_app to safeguard_server;

-- Postgres' own C.UTF-8 collation: an update of the C library changes no index.
create database safeguard owner safeguard_owner template template0
  encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8' locale 'C';

-- Only the product's roles may enter. Reports are staged in temporary tables before they are merged.
revoke all on database safeguard from public;
grant connect, temporary on database safeguard to safeguard_app;

revoke safeguard_owner from current_user;
