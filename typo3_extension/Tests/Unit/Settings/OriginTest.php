<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit\Settings;

use Mieterportal\Typo3\Settings\Origin;
use PHPUnit\Framework\TestCase;

final class OriginTest extends TestCase
{
    public function testAnOriginIsWrittenAsBrowsersWriteIt(): void
    {
        $origins = [
            'https://Portal.example.de/musterbau' => 'https://portal.example.de',
            'HTTPS://portal.example.de:443/musterbau' => 'https://portal.example.de',
            'http://portal.example.de:80' => 'http://portal.example.de',
            'http://portal.example.de:443/' => 'http://portal.example.de:443',
            'https://portal.example.de:8443/?a=b#c' => 'https://portal.example.de:8443',
            'https://[::1]:8443/' => 'https://[::1]:8443',
            '/mieterportal' => '',
            '' => '',
        ];
        self::assertSame($origins, array_combine(array_keys($origins), array_map(Origin::of(...), array_keys($origins))));
    }
}
