// Signs who the visitor is (Node.js). `claims` in the order of docs/integrators.md; `issued` in Unix seconds.
import { createHmac } from "node:crypto";

export function portalToken(claims, secret, issued) {
	const time = Buffer.alloc(8);
	time.writeBigUInt64BE(BigInt(issued));
	const trimmed = time.subarray(time.findIndex((byte) => byte !== 0));
	const signed = `${Buffer.from(JSON.stringify(claims)).toString("base64url")}.${trimmed.toString("base64url")}`;
	const key = createHmac("sha256", secret).update("portal.session.v1").digest();
	return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}
