<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Session;

/**
 * Signs claims in the wire format of the portal's sessions: base64url(JSON) "." base64url(time) "." base64url(HMAC).
 */
final class Token
{
    private const SALT = 'portal.session.v1';
    private const JSON = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_LINE_TERMINATORS
        | JSON_THROW_ON_ERROR;

    /**
     * @param array<string, mixed> $claims in the order in which they are to be written
     * @param int $issued Unix seconds
     * @throws \JsonException when a claim is nothing that JSON in UTF-8 can hold
     */
    public static function sign(array $claims, #[\SensitiveParameter] string $secret, int $issued): string
    {
        $signed = self::base64url(json_encode($claims, self::JSON)) . '.'
            . self::base64url(ltrim(pack('J', $issued), "\0"));
        $key = hash_hmac('sha256', self::SALT, $secret, true);

        return $signed . '.' . self::base64url(hash_hmac('sha256', $signed, $key, true));
    }

    public static function base64url(string $bytes): string
    {
        return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
    }
}
