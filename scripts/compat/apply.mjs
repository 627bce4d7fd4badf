/** For `node --import`, behind tsx: changes what is in no module of ours. scripts/compat/hooks.mjs adds what it does. */
