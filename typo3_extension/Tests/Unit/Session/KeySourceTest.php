<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit\Session;

use Mieterportal\Typo3\Session\KeyMissing;
use Mieterportal\Typo3\Session\KeyRing;
use Mieterportal\Typo3\Session\KeySource;
use PHPUnit\Framework\TestCase;

final class KeySourceTest extends TestCase
{
    private const OLD = 'the-old-key-has-at-least-32-bytes';
    private const NEW = 'the-new-key-has-at-least-32-bytes';

    private string $file = '';

    protected function tearDown(): void
    {
        if ($this->file !== '') {
            unlink($this->file);
        }
    }

    /**
     * @param array<string, string> $environment
     * @return list<string>
     */
    private static function fromEnvironment(array $environment, string $connection = 'website'): array
    {
        return (new KeySource([], $environment))->forConnection($connection)->newestFirst();
    }

    private function file(string $content): string
    {
        $this->file = (string)tempnam(sys_get_temp_dir(), 'key');
        file_put_contents($this->file, $content);

        return $this->file;
    }

    public function testAKeyComesFromTheEnvironment(): void
    {
        self::assertSame([self::NEW], self::fromEnvironment(['MIETERPORTAL_KEY' => self::NEW]));
    }

    public function testAConnectionsOwnVariableGoesFirst(): void
    {
        $both = ['MIETERPORTAL_KEY' => self::OLD, 'MIETERPORTAL_KEY_NORD_WEST' => self::NEW];
        self::assertSame([self::NEW], self::fromEnvironment($both, 'nord-west'));
        self::assertSame([self::OLD], self::fromEnvironment($both, 'website'));
    }

    public function testThePreviousKeyStaysWhileKeysRotate(): void
    {
        $both = ['MIETERPORTAL_KEY' => self::NEW, 'MIETERPORTAL_KEY_PREVIOUS' => self::OLD];
        self::assertSame([self::NEW, self::OLD], self::fromEnvironment($both));
    }

    public function testAFileHoldsOneKeyALineOldestFirst(): void
    {
        $file = $this->file(self::OLD . "\r\n\n" . self::NEW . "\n");
        self::assertSame([self::NEW, self::OLD], self::fromEnvironment(['MIETERPORTAL_KEY_FILE' => $file]));
    }

    public function testTheSystemConfigurationGoesBeforeTheEnvironment(): void
    {
        $source = new KeySource(['keys' => ['website' => ['key' => self::NEW]]], ['MIETERPORTAL_KEY' => self::OLD]);
        self::assertSame([self::NEW], $source->forConnection('website')->newestFirst());
    }

    public function testTheSystemConfigurationMayNameOneKeyForAllConnections(): void
    {
        $source = new KeySource(['keys' => ['*' => ['key' => self::NEW, 'previousKey' => self::OLD]]]);
        self::assertSame([self::NEW, self::OLD], $source->forConnection('website')->newestFirst());
    }

    public function testAMissingKeyIsToldWithThePlaceToPutIt(): void
    {
        $this->expectException(KeyMissing::class);
        $this->expectExceptionMessage('MIETERPORTAL_KEY_WEBSITE');
        self::fromEnvironment([]);
    }

    public function testAFileThatCannotBeReadIsTold(): void
    {
        $this->expectException(KeyMissing::class);
        $this->expectExceptionMessage('/nowhere/key');
        self::fromEnvironment(['MIETERPORTAL_KEY_FILE' => '/nowhere/key']);
    }

    public function testAShortKeyIsRefusedWithoutBeingTold(): void
    {
        try {
            self::fromEnvironment(['MIETERPORTAL_KEY' => 'short-secret']);
            self::fail('a short key was taken');
        } catch (KeyMissing $refused) {
            self::assertStringNotContainsString('short-secret', (string)$refused);
        }
    }

    public function testMoreThanTwoKeysAreRefused(): void
    {
        $this->expectException(KeyMissing::class);
        new KeyRing([self::OLD, self::NEW, self::OLD]);
    }

    public function testADumpOfTheKeyRingShowsNoKey(): void
    {
        ob_start();
        var_dump(new KeyRing([self::NEW]));
        $shown = (string)ob_get_clean();
        self::assertStringNotContainsString(self::NEW, $shown);
        self::assertStringContainsString(KeyRing::id(self::NEW), $shown);
    }
}
