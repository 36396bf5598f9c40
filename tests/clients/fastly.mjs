// Purges larder through Fastly's own client. node fastly.mjs ADDRESS TOKEN CALL ARGUMENT...
import Fastly from "fastly";

const [address, token, call, ...names] = process.argv.slice(2);
const client = new Fastly.ApiClient();
client.authenticate(token);
const build = client.buildUrl.bind(client);
client.buildUrl = (path, parameters, reserved) => build(path, parameters, reserved, address);
const purge = new Fastly.PurgeApi(client);
const service_id = "SU1Z0isxPaozGVKXdv0eY";

const calls = {
  tag: () => purge.purgeTag({ service_id, surrogate_key: names[0] }),
  soft: () => purge.purgeTag({ service_id, surrogate_key: names[0], fastly_soft_purge: 1 }),
  tags: () => purge.bulkPurgeTag({ service_id, purge_response: { surrogate_keys: names } }),
  field: () => purge.bulkPurgeTag({ service_id, surrogate_key: names.join(" ") }),
  all: () => purge.purgeAll({ service_id }),
  url: () => purge.purgeSingleUrl({ cached_url: names[0] }),
};
try {
  console.log(JSON.stringify(await calls[call]()));
} catch (error) {
  console.log(JSON.stringify({ status: error.status, body: error.response && error.response.body, text: String(error) }));
  process.exitCode = 1;
}
