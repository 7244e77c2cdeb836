<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit;

use Mieterportal\Typo3\Tests\Support\Typo3Version;
use PHPUnit\Framework\TestCase;

final class ConfigurationTest extends TestCase
{
    private const ROOT = __DIR__ . '/../../';

    /**
     * @return array<array-key, mixed>
     */
    private function loaded(string $file): array
    {
        $found = require self::ROOT . 'Configuration/' . $file;
        self::assertIsArray($found, $file);

        return $found;
    }

    public function testEveryRouteOfTheModuleHasItsActionAndChangesByPostOnly(): void
    {
        $modules = $this->loaded('Backend/Modules.php');
        self::assertCount(6, $modules);
        foreach ($modules as $name => $module) {
            foreach ($module['routes'] ?? [] as $route => $told) {
                [$class, $method] = explode('::', $told['target']);
                self::assertTrue(method_exists($class, $method), $told['target']);
                $changes = in_array($route, ['key', 'retry', 'save', 'end', 'token'], true);
                self::assertSame($changes ? ['POST'] : null, $told['methods'] ?? null, $name . ' ' . $route);
            }
        }
    }

    public function testEveryIconIsAPictureOfOurs(): void
    {
        $shown = [];
        foreach ([13, 14] as Typo3Version::$major) {
            foreach ($this->loaded('Icons.php') as $name => $icon) {
                $file = str_replace('EXT:mieterportal/', self::ROOT, $icon['source']);
                $document = new \DOMDocument();
                self::assertTrue($document->load($file), $name);
                self::assertSame('svg', $document->documentElement?->nodeName);
                $shown[] = basename($file);
            }
        }
        $drawn = array_map(basename(...), glob(self::ROOT . 'Resources/Public/Icons/*') ?: []);
        self::assertSame([], array_values(array_diff($drawn, $shown)), 'drawn for nothing');
        foreach ($this->loaded('Backend/Modules.php') as $module) {
            self::assertArrayHasKey($module['iconIdentifier'], $this->loaded('Icons.php'));
        }
    }

    public function testTheModuleHasATileOnTypo313AndTheColourOfTheTextOn14(): void
    {
        foreach ([13 => false, 14 => true] as Typo3Version::$major => $isText) {
            $icon = str_replace('EXT:mieterportal/', self::ROOT, $this->loaded('Icons.php')['mieterportal-module']['source']);
            self::assertSame($isText, str_contains((string)file_get_contents($icon), 'currentColor'));
        }
    }

    public function testEveryScriptModuleIsThere(): void
    {
        $folder = self::ROOT . 'Resources/Public/JavaScript/Backend/';
        self::assertSame(['backend'], $this->loaded('JavaScriptModules.php')['dependencies']);
        foreach (glob(self::ROOT . 'Resources/Private/Templates/Backend/*.html') ?: [] as $template) {
            preg_match_all("#'@mieterportal/typo3/([\w.]+)'#", (string)file_get_contents($template), $asked);
            foreach ($asked[1] as $script) {
                self::assertFileExists($folder . $script);
            }
        }
    }

    public function testComposerAndTheExtensionManagerAreToldTheSame(): void
    {
        $_EXTKEY = 'mieterportal';
        $EM_CONF = [];
        require self::ROOT . 'ext_emconf.php';
        $composer = json_decode((string)file_get_contents(self::ROOT . 'composer.json'), true, 16, JSON_THROW_ON_ERROR);
        self::assertSame('mieterportal', $composer['extra']['typo3/cms']['extension-key']);
        self::assertSame('13.4.0-14.3.99', $EM_CONF[$_EXTKEY]['constraints']['depends']['typo3']);
        self::assertSame('^13.4 || ^14.3', $composer['require']['typo3/cms-core']);
        self::assertStringContainsString('## ' . $EM_CONF[$_EXTKEY]['version'], (string)file_get_contents(self::ROOT . 'CHANGELOG.md'));
    }

    public function testEveryPictureAndPageOfTheDocumentationIsThereAndUsed(): void
    {
        $folder = self::ROOT . 'Documentation/';
        $pages = array_merge([$folder . 'Index.rst'], glob($folder . '*/Index.rst') ?: []);
        $shown = [];
        foreach ($pages as $page) {
            preg_match_all('#figure:: \.\./(Images/\w+\.png)#', (string)file_get_contents($page), $found);
            $shown = [...$shown, ...$found[1]];
        }
        $there = array_map(static fn(string $one): string => 'Images/' . basename($one), glob($folder . 'Images/*') ?: []);
        sort($shown);
        self::assertSame($there, array_values(array_unique($shown)));
        preg_match_all('#^   (\w+/Index)$#m', (string)file_get_contents($folder . 'Index.rst'), $listed);
        self::assertCount(count($pages) - 1, $listed[1]);
        foreach ($listed[1] as $page) {
            self::assertFileExists($folder . $page . '.rst');
        }
    }
}
