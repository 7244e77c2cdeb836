<?php
// Signs who the visitor is. $claims in the order of docs/integrators.md; $issued in Unix seconds.
function portal_token(array $claims, string $secret, int $issued): string
{
    $b64 = static fn(string $bytes): string => rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
    $json = json_encode($claims, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_LINE_TERMINATORS | JSON_THROW_ON_ERROR);
    $signed = $b64($json) . '.' . $b64(ltrim(pack('J', $issued), "\0"));
    $key = hash_hmac('sha256', 'portal.session.v1', $secret, true);
    return $signed . '.' . $b64(hash_hmac('sha256', $signed, $key, true));
}
