<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit;

use Mieterportal\Typo3\Admin\Trouble;
use Mieterportal\Typo3\Aushang\AushangForm;
use Mieterportal\Typo3\Setup\State;
use Mieterportal\Typo3\Setup\Step;
use PHPUnit\Framework\TestCase;

final class LanguageFilesTest extends TestCase
{
    private const ROOT = __DIR__ . '/../../';
    private const MODULE = self::ROOT . 'Resources/Private/Language/locallang_module.xlf';

    /**
     * @return list<string> the files in English
     */
    private function english(): array
    {
        $folders = ['Resources/Private/Language/', 'Configuration/Sets/Mieterportal/'];
        $files = array_merge(...array_map(static fn(string $one): array => glob(self::ROOT . $one . '*.xlf') ?: [], $folders));
        $found = array_values(array_filter($files, static fn(string $file): bool => !str_starts_with(basename($file), 'de.')));
        self::assertNotSame([], $found);

        return $found;
    }

    private static function german(string $file): string
    {
        return dirname($file) . '/de.' . basename($file);
    }

    /**
     * @return array<string, string> the words by key
     */
    private function words(string $file, string $element): array
    {
        $document = new \DOMDocument();
        self::assertTrue($document->load($file), $file);
        $words = [];
        foreach ($document->getElementsByTagName('trans-unit') as $unit) {
            $id = $unit->getAttribute('id');
            self::assertArrayNotHasKey($id, $words, $file . ' names ' . $id . ' twice');
            $found = $unit->getElementsByTagName($element)->item(0);
            $words[$id] = trim($found === null ? '' : (string)$found->textContent);
            self::assertNotSame('', $words[$id], $file . ' has no words for ' . $id);
        }

        return $words;
    }

    public function testEveryLanguageHasTheSameKeysAndPlaceholders(): void
    {
        foreach ($this->english() as $file) {
            $english = $this->words($file, 'source');
            $german = $this->words(self::german($file), 'target');
            self::assertSame(array_keys($english), array_keys($german), $file);
            self::assertSame($english, $this->words(self::german($file), 'source'), $file);
            foreach ($english as $key => $words) {
                preg_match_all('/%(?:\d\$)?[sd]/', $words, $wanted);
                preg_match_all('/%(?:\d\$)?[sd]/', $german[$key], $given);
                sort($wanted[0]);
                sort($given[0]);
                self::assertSame($wanted, $given, $key);
            }
        }
    }

    public function testEveryFindingHasWordsAndARemedy(): void
    {
        $known = $this->words(self::MODULE, 'source');
        $source = file_get_contents(self::ROOT . 'Classes/Setup/Assistant.php') . file_get_contents(self::ROOT . 'Classes/Setup/PageCheck.php');
        preg_match_all("/Finding::(?:bad|warning)\(\s*Step::(\w+),\s*'(\w+)'/", $source, $named, PREG_SET_ORDER);
        $wanted = array_map(static fn(array $one): string => lcfirst($one[1]) . '.' . $one[2], $named);
        self::assertGreaterThan(20, count($wanted));
        $keys = ['missing', 'short', 'many', 'unreadable'];
        $logins = ['missing', 'hidden', 'noForm'];
        $wanted = [...$wanted, 'clock.slow', 'clock.fast', ...array_map(static fn(string $one): string => 'key.' . $one, $keys)];
        $wanted = [...$wanted, ...array_map(static fn(string $one): string => 'login.' . $one, $logins)];
        foreach ([Trouble::Name, Trouble::Connection, Trouble::Timeout, Trouble::Certificate, Trouble::HostNotAllowed] as $trouble) {
            $wanted[] = 'reachable.' . $trouble->value;
        }
        foreach ($wanted as $key) {
            self::assertArrayHasKey('setup.' . $key, $known);
            self::assertArrayHasKey('setup.' . $key . '.remedy', $known);
        }
        foreach (Step::cases() as $step) {
            self::assertArrayHasKey('setup.' . $step->value, $known);
            self::assertArrayHasKey('setup.' . $step->value . '.good', $known);
        }
        foreach (State::cases() as $state) {
            self::assertArrayHasKey('setup.state.' . $state->value, $known);
        }
        foreach (Trouble::cases() as $trouble) {
            self::assertArrayHasKey('trouble.' . $trouble->value . '.remedy', $known);
        }
    }

    public function testEveryFieldAndChoiceOfANoticeHasWords(): void
    {
        $known = $this->words(self::MODULE, 'source');
        foreach (AushangForm::FIELDS as $field) {
            self::assertArrayHasKey('aushang.' . $field, $known);
        }
        foreach (['titel', 'text', 'gebaeude', 'oeffentlich', 'von', 'bis', 'zeigen_ab'] as $field) {
            self::assertArrayHasKey('aushang.wrong.' . $field, $known);
        }
        foreach (['art', 'schwere', 'von', 'bis', 'zeigen_ab'] as $field) {
            self::assertArrayHasKey('aushang.' . $field . '.hint', $known);
        }
        foreach (['art' => AushangForm::ARTEN, 'schwere' => AushangForm::SCHWEREN] as $field => $codes) {
            foreach ($codes as $code) {
                self::assertArrayHasKey('aushang.' . $field . '.' . $code, $known);
            }
        }
    }

    public function testEveryLabelThatATemplateAsksForIsThere(): void
    {
        $known = $this->words(self::MODULE, 'source');
        $folder = self::ROOT . 'Resources/Private/';
        $templates = [...(glob($folder . 'Templates/{Backend,Widget}/*.html', GLOB_BRACE) ?: []), $folder . 'Partials/Backend/Sites.html'];
        $asked = 0;
        foreach ($templates as $template) {
            preg_match_all("/\{l\}([\w.]+)'/", (string)file_get_contents($template), $keys);
            foreach ($keys[1] as $key) {
                self::assertArrayHasKey($key, $known, $template);
                $asked++;
            }
        }
        self::assertGreaterThan(50, $asked);
    }

    public function testEverySettingHasALabelAndADescription(): void
    {
        $folder = self::ROOT . 'Configuration/Sets/Mieterportal/';
        $known = $this->words($folder . 'labels.xlf', 'source');
        preg_match_all('/^  (mieterportal\.\w+):$/m', (string)file_get_contents($folder . 'settings.definitions.yaml'), $found);
        foreach (array_slice($found[1], 3) as $setting) {
            self::assertArrayHasKey('settings.' . $setting, $known);
            self::assertArrayHasKey('settings.description.' . $setting, $known);
        }
    }
}
