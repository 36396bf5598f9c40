// Purges larder through Cloudflare's own client. node cloudflare.mjs ADDRESS TOKEN BODY
import Cloudflare from "cloudflare";

const [address, apiToken, body] = process.argv.slice(2);
const client = new Cloudflare({ apiToken, baseURL: `${address}/client/v4`, maxRetries: 0 });
try {
  const answer = await client.cache.purge({ zone_id: "023e105f4ecef8ad9ca31a8372d0c353", ...JSON.parse(body) });
  console.log(JSON.stringify(answer));
} catch (error) {
  console.log(JSON.stringify({ status: error.status, errors: error.errors, text: String(error) }));
  process.exitCode = 1;
}
