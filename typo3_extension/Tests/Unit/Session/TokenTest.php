<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit\Session;

use Mieterportal\Typo3\Session\Token;
use PHPUnit\Framework\TestCase;

final class TokenTest extends TestCase
{
    private const VECTORS = __DIR__ . '/../../../../tests/vectors/session_tokens.json';

    /**
     * @return array<string, array{array<string, mixed>, string, int, string}>
     */
    public static function vectors(): array
    {
        $all = json_decode((string)file_get_contents(self::VECTORS), true, 32, JSON_THROW_ON_ERROR);
        $cases = [];
        foreach ($all['valid'] as $one) {
            $cases[$one['name']] = [$one['claims'], $one['secret'], $one['issued'], $one['token']];
        }

        return $cases;
    }

    /**
     * @dataProvider vectors
     * @param array<string, mixed> $claims
     */
    public function testSignsEveryVectorByteForByte(array $claims, string $secret, int $issued, string $token): void
    {
        self::assertSame($token, Token::sign($claims, $secret, $issued));
    }

    public function testThereAreVectors(): void
    {
        self::assertGreaterThan(4, count(self::vectors()));
    }

    public function testRefusesWhatIsNoUtf8(): void
    {
        $this->expectException(\JsonException::class);
        Token::sign(['name' => "\xff"], str_repeat('k', 32), 1790000000);
    }
}
